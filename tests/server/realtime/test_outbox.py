"""What waits for one reader is bounded, and the least dear goes first."""

from uuid import UUID

from rustygpt_server.realtime.outbox import FRAME_LIMIT, Kind, Outbox

ANSWER = UUID(int=1)


def test_everything_that_waits_is_taken_in_order() -> None:
    """One piece, in the order it was put."""
    outbox = Outbox(8)
    outbox.put(Kind.DURABLE, b"a")
    outbox.put(Kind.DELTA, b"b", ANSWER)

    assert outbox.take() == b"ab"
    assert outbox.take() == b""


def test_deltas_are_dropped_in_a_half_full_outbox() -> None:
    """A dropped delta is remembered, and so are all that follow it."""
    outbox = Outbox(8)
    for _ in range(4):
        outbox.put(Kind.DURABLE, b"d")

    assert outbox.put(Kind.DELTA, b"x", ANSWER)
    outbox.take()
    outbox.put(Kind.DELTA, b"y", ANSWER)

    assert outbox.take() == b""
    assert outbox.behind == {ANSWER}


def test_transient_events_make_room_for_durable_ones() -> None:
    """A full outbox gives up deltas, then transient events, before it refuses a durable one."""
    outbox = Outbox(8)
    outbox.put(Kind.DELTA, b"x", ANSWER)
    for _ in range(7):
        outbox.put(Kind.TRANSIENT, b"t")

    assert outbox.put(Kind.DURABLE, b"d")
    assert outbox.put(Kind.DURABLE, b"e")
    assert outbox.take() == b"de" or outbox.dropped[Kind.TRANSIENT] == 7


def test_a_durable_event_without_room_is_told() -> None:
    """The caller learns that the reader must start over; a transient one is just dropped."""
    outbox = Outbox(8)
    for _ in range(8):
        assert outbox.put(Kind.DURABLE, b"d")

    assert outbox.put(Kind.TRANSIENT, b"t")
    assert not outbox.put(Kind.DURABLE, b"d")
    assert outbox.take() == b"d" * 8


def test_bytes_are_bounded_too() -> None:
    """Four of the largest frames fit, a fifth does not."""
    outbox = Outbox(100)
    large = b"x" * FRAME_LIMIT

    assert [outbox.put(Kind.DURABLE, large) for _ in range(5)] == [True] * 4 + [False]
