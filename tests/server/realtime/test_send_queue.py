"""What waits for one reader is bounded, and the least dear goes first."""

from typing import Literal
from uuid import UUID

from rustygpt_server.realtime.send_queue import (
    MAX_FRAME_BYTES,
    BackpressurePolicy,
    Priority,
    QueuedFrame,
    SendQueue,
)
from rustygpt_shared.settings import Backpressure, Sse

Box = SendQueue[str]
Strategy = Literal["drop_tokens", "drop_tokens_and_system"]

ANSWER = UUID(int=1)


def make(
    capacity: int, strategy: Strategy = "drop_tokens_and_system"
) -> tuple[Box, BackpressurePolicy]:
    """An empty outbox, and what it counts in."""
    settings = Sse(channel_capacity=capacity, backpressure=Backpressure(drop_strategy=strategy))
    pressure = BackpressurePolicy(settings)
    return SendQueue(pressure), pressure


def test_everything_that_waits_is_taken_in_order() -> None:
    """One piece, in the order it was put."""
    outbox, _ = make(8)
    outbox.push(QueuedFrame(Priority.DURABLE, b"a"))
    outbox.push(QueuedFrame(Priority.DELTA, b"b", ANSWER))

    assert outbox.pop_chunk() == b"ab"
    assert outbox.pop_chunk() == b""


def test_deltas_are_dropped_in_a_half_full_outbox() -> None:
    """A dropped delta is remembered, and so are all that follow it."""
    outbox, _ = make(8)
    for _ in range(4):
        outbox.push(QueuedFrame(Priority.DURABLE, b"d"))

    assert outbox.push(QueuedFrame(Priority.DELTA, b"x", ANSWER))
    outbox.pop_chunk()
    outbox.push(QueuedFrame(Priority.DELTA, b"y", ANSWER))

    assert outbox.pop_chunk() == b""
    assert outbox.truncated_answers == {ANSWER}


def test_transient_events_make_room_for_durable_ones() -> None:
    """A full outbox gives up deltas, then transient events, before it refuses a durable one."""
    outbox, pressure = make(8)
    outbox.push(QueuedFrame(Priority.DELTA, b"x", ANSWER))
    for _ in range(7):
        outbox.push(QueuedFrame(Priority.TRANSIENT, b"t"))

    assert outbox.push(QueuedFrame(Priority.DURABLE, b"d"))
    assert outbox.push(QueuedFrame(Priority.DURABLE, b"e"))
    assert outbox.pop_chunk() == b"de" or pressure.dropped[Priority.TRANSIENT] == 7


def test_a_durable_event_without_room_is_told() -> None:
    """The caller learns that the reader must start over; a transient one is just dropped."""
    outbox, _ = make(8)
    for _ in range(8):
        assert outbox.push(QueuedFrame(Priority.DURABLE, b"d"))

    assert outbox.push(QueuedFrame(Priority.TRANSIENT, b"t"))
    assert not outbox.push(QueuedFrame(Priority.DURABLE, b"d"))
    assert outbox.pop_chunk() == b"d" * 8


def test_bytes_are_bounded_too() -> None:
    """Four of the largest frames fit, a fifth does not."""
    outbox, _ = make(100)
    large = b"x" * MAX_FRAME_BYTES

    assert [outbox.push(QueuedFrame(Priority.DURABLE, large)) for _ in range(5)] == [True] * 4 + [
        False
    ]


def test_transient_events_may_be_kept() -> None:
    """When only tokens may be dropped, a transient event without room means to start over."""
    outbox, pressure = make(8, "drop_tokens")
    for _ in range(8):
        assert outbox.push(QueuedFrame(Priority.TRANSIENT, b"t"))

    assert not outbox.push(QueuedFrame(Priority.TRANSIENT, b"t"))
    assert not outbox.push(QueuedFrame(Priority.DURABLE, b"d"))
    assert pressure.dropped == [0, 1, 1]


def test_a_dropped_text_is_remembered() -> None:
    """Also that of an answer's delta, or whole text, that has to make room."""
    outbox, _ = make(8)
    outbox.push(QueuedFrame(Priority.DELTA, b"x", ANSWER))
    for _ in range(7):
        outbox.push(QueuedFrame(Priority.DURABLE, b"d"))

    outbox.push(QueuedFrame(Priority.DURABLE, b"d"))

    assert outbox.truncated_answers == {ANSWER}
    assert outbox.pop_chunk() == b"d" * 8


def test_a_long_queue_is_counted() -> None:
    """Once each time that it grows to the length that is worth a warning."""
    outbox, pressure = make(8)
    for _ in range(8):
        outbox.push(QueuedFrame(Priority.DURABLE, b"d"))

    assert pressure.slow_count == 1


def test_what_is_discarded_names_whose_it_was() -> None:
    """Only those that lost durable events have to start over."""
    outbox, _ = make(8)
    outbox.push(QueuedFrame(Priority.DURABLE, b"d"), "one")
    outbox.push(QueuedFrame(Priority.TRANSIENT, b"t"), "two")

    assert outbox.clear() == {"one"}
    assert len(outbox) == 0


def test_the_text_of_an_answer_without_room_comes_later() -> None:
    """Whatever may be dropped: starting over would bring the same texts again, without end."""
    outbox, _ = make(8, "drop_tokens")
    texts = [QueuedFrame(Priority.TRANSIENT, b"t", UUID(int=n)) for n in range(10)]

    assert all(outbox.push(text) for text in texts)
    assert outbox.truncated_answers == {UUID(int=8), UUID(int=9)}
