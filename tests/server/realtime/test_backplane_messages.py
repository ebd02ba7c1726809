"""Packets have a limited size, and packing loses nothing."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import msgspec
import pytest
from tests.support.components.backplanes import answer_delta

from rustygpt_server.realtime.backplane_messages import (
    PACKET_BYTES,
    BackplaneMessage,
    CancelAnswer,
    PresenceHeartbeat,
    TypingChanged,
    encode_message,
    pack,
    unpack,
)


def _encode_all(messages: list[BackplaneMessage]) -> list[bytes]:
    return [part for message in messages for part in encode_message(message)]


def test_packets_are_never_too_large() -> None:
    """However much there is to send, each packet fits into a NOTIFY."""
    positions = {UUID(int=n): (1 << 63) - 1 for n in range(1_000)}
    cancellations: list[BackplaneMessage] = [CancelAnswer(uuid4()) for _ in range(500)]
    encoded = _encode_all([*cancellations, answer_delta(0, "\x01" * 9_000)])
    packets = pack("host:123456:0123456789abcdef", positions, encoded)
    unpacked = [unpack(packet) for packet in packets]

    assert max(len(packet.encode()) for packet in packets) <= PACKET_BYTES
    assert {k: v for packet in unpacked for k, v in packet.positions.items()} == positions
    messages = [message for packet in unpacked for message in packet.messages]
    assert messages[:500] == cancellations
    assert "".join(delta.content for delta in messages[500:]) == "\x01" * 9_000


def test_messages_are_decoded_as_they_were_encoded() -> None:
    """Including times, to the microsecond."""
    now = datetime(2026, 1, 1, 12, 0, 0, 1, UTC)
    messages: list[BackplaneMessage] = [
        PresenceHeartbeat(UUID(int=1), "away", now, 7),
        TypingChanged(UUID(int=1), UUID(int=2), UUID(int=3), now),
    ]
    (packet,) = pack("me", {}, _encode_all(messages))

    assert unpack(packet).messages == messages


def test_nothing_to_send_is_no_packet() -> None:
    """An empty packet would only wake other processes."""
    assert pack("me", {}, []) == []


@pytest.mark.parametrize("data", ["", "x", "[]", '["a",{},[["delta",1]]]', '["a",{"b":1},[]]'])
def test_invalid_packets_are_rejected(data: str) -> None:
    """Any role that may log in to the database can notify."""
    with pytest.raises(msgspec.MsgspecError):
        unpack(data)
