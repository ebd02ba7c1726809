"""What processes tell each other, and the packets it travels in.

Positions say how far a conversation's log goes. Words are small and passing; one that is lost is
made up for by something slower: the log of events, that of controls, a lease, a time limit.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from rustygpt_server.db.access_changes import AccessChange
from rustygpt_server.db.rows import EventRecord
from rustygpt_server.realtime.deltas import AnswerDelta
from rustygpt_shared.models.presence import Status

PACKET_BYTES: Final = 7_900
"""PostgreSQL refuses a NOTIFY of 8,000 bytes and more."""
_HEADER_BYTES: Final = 100
_MESSAGE_BYTES: Final = PACKET_BYTES - _HEADER_BYTES


class AnswerEnded(Struct, frozen=True, array_like=True, tag="over"):
    """An answer is no longer in progress."""

    conversation_id: UUID
    message_id: UUID


class ResendRequest(Struct, frozen=True, array_like=True, tag="want"):
    """Say again the whole text of an answer, or of all in progress, and who is writing (None)."""

    message_id: UUID | None


class UnloggedEvents(Struct, frozen=True, array_like=True, tag="happened"):
    """Durable events that no log has: where they cannot be told, readers have to load anew."""

    events: list[EventRecord]


class PresenceHeartbeat(Struct, frozen=True, array_like=True, tag="beat"):
    """A person's heartbeat; of two the later one has the higher number."""

    user_id: UUID
    status: Status
    seen_at: datetime
    heartbeat_seq: int


class TypingChanged(Struct, frozen=True, array_like=True, tag="typing"):
    """Somebody is writing until then; a time that is past ends it."""

    conversation_id: UUID
    root_id: UUID
    user_id: UUID
    expires_at: datetime


class CancelAnswer(Struct, frozen=True, array_like=True, tag="cancel"):
    """Stop an answer."""

    message_id: UUID


class ReadMarkerMoved(Struct, frozen=True, array_like=True, tag="mark"):
    """A person's mark moved; `unread` is the count at an event number."""

    conversation_id: UUID
    root_id: UUID
    user_id: UUID
    position: int
    unread: int


BackplaneMessage = (
    AnswerDelta
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
    """What one process told in one go."""

    sender: str
    positions: dict[UUID, int]
    messages: list[BackplaneMessage]


class _EncodedPacket(Struct, frozen=True, array_like=True):
    """A packet whose words are encoded already."""

    sender: str
    positions: dict[UUID, int]
    messages: list[msgspec.Raw]


def encode_message(message: BackplaneMessage) -> list[bytes]:
    """A word in pieces that each fit into a packet; only text is ever cut."""
    data = msgspec.json.encode(message)
    if len(data) <= _MESSAGE_BYTES:
        return [data]
    halves = (
        message.split() if isinstance(message, AnswerDelta) else ()
    )  # no other word has room for text
    return [part for half in halves for part in encode_message(half)]


def pack(sender: str, positions: Mapping[UUID, int], messages: Iterable[bytes]) -> list[str]:
    """As few packets as it takes, positions first."""
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
    """The packet; raises msgspec.MsgspecError for what is none."""
    return msgspec.json.decode(data, type=Packet)
