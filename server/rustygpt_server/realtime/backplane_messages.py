"""The messages that processes send each other, and the packets that carry them.

Positions are event numbers that the logs of conversations have reached. Messages are transient; one
that is lost is made up for by something slower: the event log, the log of access changes, a lease
or a timeout. Sending belongs to `sender`, handling to `backplane_handler`.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from rustygpt_server.db.access_changes import AccessChange
from rustygpt_server.db.rows import EventRecord
from rustygpt_server.realtime.answer_status import AnswerStatusChanged
from rustygpt_server.realtime.deltas import AnswerDelta
from rustygpt_shared.models.presence import Status

PACKET_BYTES: Final = 7_900
"""The largest packet. PostgreSQL rejects a NOTIFY payload of 8,000 bytes and more."""
_HEADER_BYTES: Final = 100
_MESSAGE_BYTES: Final = PACKET_BYTES - _HEADER_BYTES


class AnswerEnded(Struct, frozen=True, array_like=True, tag="ended"):
    """An answer is no longer in progress."""

    conversation_id: UUID
    message_id: UUID


class ResendRequest(Struct, frozen=True, array_like=True, tag="resend"):
    """A request to publish the full text and the state of an answer again.

    Without a message id: of all answers in progress, and all typing indicators.
    """

    message_id: UUID | None


class UnloggedEvents(Struct, frozen=True, array_like=True, tag="events"):
    """Numbered events that are not in the log, because persistence is off.

    Subscribers of a process that misses them have to reset.
    """

    events: list[EventRecord]


class PresenceHeartbeat(Struct, frozen=True, array_like=True, tag="heartbeat"):
    """A user's heartbeat; of two, the later one has the higher `heartbeat_seq`."""

    user_id: UUID
    status: Status
    seen_at: datetime
    heartbeat_seq: int


class TypingChanged(Struct, frozen=True, array_like=True, tag="typing"):
    """A user types in a thread until `expires_at`; a time in the past ends it."""

    conversation_id: UUID
    root_id: UUID
    user_id: UUID
    expires_at: datetime


class CancelAnswer(Struct, frozen=True, array_like=True, tag="cancel"):
    """A request to stop an answer, in whichever process generates it."""

    message_id: UUID


class ReadMarkerMoved(Struct, frozen=True, array_like=True, tag="read_marker"):
    """A user's read marker moved; `unread` is the count at the event number `position`."""

    conversation_id: UUID
    root_id: UUID
    user_id: UUID
    unread: int
    read_seq: int
    position: int
    version: int
    """Increases with every move of this marker."""


BackplaneMessage = (
    AnswerDelta
    | AnswerStatusChanged
    | AnswerEnded
    | ResendRequest
    | UnloggedEvents
    | AccessChange
    | CancelAnswer
    | ReadMarkerMoved
    | PresenceHeartbeat
    | TypingChanged
)


class Packet(Struct, frozen=True, array_like=True):
    """What one process sends at once; `sender` is its instance id."""

    sender: str
    positions: dict[UUID, int]
    messages: list[BackplaneMessage]


class _EncodedPacket(Struct, frozen=True, array_like=True):
    """A packet whose messages are encoded already."""

    sender: str
    positions: dict[UUID, int]
    messages: list[msgspec.Raw]


def encode_message(message: BackplaneMessage) -> list[bytes]:
    """Encode a message in parts that each fit into a packet; only answers' text is ever split."""
    data = msgspec.json.encode(message)
    if len(data) <= _MESSAGE_BYTES:
        return [data]
    # No message but a delta has a field that could be so large.
    halves = message.split() if isinstance(message, AnswerDelta) else ()
    return [part for half in halves for part in encode_message(half)]


def pack(sender: str, positions: Mapping[UUID, int], messages: Iterable[bytes]) -> list[str]:
    """Pack positions and encoded messages, in this order, into as few packets as possible."""
    packets: list[_EncodedPacket] = []
    free_bytes = 0
    items: list[tuple[UUID, int] | bytes] = [*positions.items(), *messages]
    for item in items:
        size = len(item) + 1 if isinstance(item, bytes) else len(f'"{item[0]}":{item[1]},')
        if size > free_bytes:
            packets.append(_EncodedPacket(sender, {}, []))
            free_bytes = _MESSAGE_BYTES + 1
        free_bytes -= size
        if isinstance(item, bytes):
            packets[-1].messages.append(msgspec.Raw(item))
        else:
            packets[-1].positions[item[0]] = item[1]
    return [msgspec.json.encode(packet).decode() for packet in packets]


def unpack(data: str | bytes) -> Packet:
    """Decode a packet; raises msgspec.MsgspecError if the data is not one."""
    return msgspec.json.decode(data, type=Packet)
