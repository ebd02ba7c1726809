"""Packets hold what fits, and nothing is lost by packing."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import msgspec
import pytest
from tests.support.components.backplanes import answer_delta

from rustygpt_server.realtime.backplane_messages import (
    PACKET_BYTES,
    CancelAnswer,
    PresenceHeartbeat,
    TypingChanged,
    encode_message,
    pack,
    unpack,
)


def test_packets_are_never_too_large() -> None:
    """Whatever there is to tell, each packet fits into a NOTIFY."""
    positions = {UUID(int=n): (1 << 63) - 1 for n in range(1_000)}
    said = [CancelAnswer(uuid4()) for _ in range(500)]
    words = [
        data for word in [*said, answer_delta(0, "\x01" * 9_000)] for data in encode_message(word)
    ]
    packets = pack("host:123456:0123456789abcdef", positions, words)
    read = [unpack(packet) for packet in packets]

    assert max(len(packet.encode()) for packet in packets) <= PACKET_BYTES
    assert {k: v for packet in read for k, v in packet.positions.items()} == positions
    told = [word for packet in read for word in packet.messages]
    assert told[:500] == said
    assert "".join(word.content for word in told[500:]) == "\x01" * 9_000


def test_passing_words_come_as_they_were_told() -> None:
    """Also with their times, to the microsecond."""
    now = datetime(2026, 1, 1, 12, 0, 0, 1, UTC)
    told = [
        PresenceHeartbeat(UUID(int=1), "away", now, 7),
        TypingChanged(UUID(int=1), UUID(int=2), UUID(int=3), now),
    ]
    (packet,) = pack("me", {}, [data for word in told for data in encode_message(word)])

    assert unpack(packet).messages == told


def test_nothing_to_tell_is_no_packet() -> None:
    """An empty packet would only wake people."""
    assert pack("me", {}, []) == []


@pytest.mark.parametrize("data", ["", "x", "[]", '["a",{},[["text",1]]]', '["a",{"b":1},[]]'])
def test_what_is_no_packet_is_refused(data: str) -> None:
    """Anybody who may log in to the database can notify."""
    with pytest.raises(msgspec.MsgspecError):
        unpack(data)
