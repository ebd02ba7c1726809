"""The queue of a slow stream is bounded, and drops frames of low priority first."""

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

Strategy = Literal["drop_tokens", "drop_tokens_and_system"]

ANSWER = UUID(int=1)
DURABLE = QueuedFrame(Priority.DURABLE, b"d")
TRANSIENT = QueuedFrame(Priority.TRANSIENT, b"t")


def create_queue(
    capacity: int, strategy: Strategy = "drop_tokens_and_system"
) -> tuple[SendQueue[str], BackpressurePolicy]:
    """Return an empty queue and its policy."""
    settings = Sse(channel_capacity=capacity, backpressure=Backpressure(drop_strategy=strategy))
    policy = BackpressurePolicy(settings)
    return SendQueue(policy), policy


def test_queued_frames_are_returned_in_order() -> None:
    """They are joined to one chunk."""
    queue, _ = create_queue(8)
    queue.push(QueuedFrame(Priority.DURABLE, b"a"))
    queue.push(QueuedFrame(Priority.DELTA, b"b", ANSWER))

    assert queue.pop_chunk() == b"ab"
    assert queue.pop_chunk() == b""


def test_deltas_are_dropped_while_the_queue_is_half_full() -> None:
    """The answer is remembered, and all further deltas of it are dropped."""
    queue, _ = create_queue(8)
    for _ in range(4):
        queue.push(DURABLE)

    assert queue.push(QueuedFrame(Priority.DELTA, b"x", ANSWER))
    queue.pop_chunk()
    queue.push(QueuedFrame(Priority.DELTA, b"y", ANSWER))

    assert queue.pop_chunk() == b""
    assert queue.truncated_answers == {ANSWER}


def test_transient_frames_make_room_for_durable_ones() -> None:
    """A full queue drops deltas, then transient frames, before it rejects a durable one."""
    queue, policy = create_queue(8)
    queue.push(QueuedFrame(Priority.DELTA, b"x", ANSWER))
    for _ in range(7):
        queue.push(TRANSIENT)

    assert queue.push(DURABLE)
    assert queue.push(QueuedFrame(Priority.DURABLE, b"e"))
    assert queue.pop_chunk() == b"de" or policy.dropped[Priority.TRANSIENT] == 7


def test_a_durable_frame_without_room_is_reported() -> None:
    """The subscriber has to reset; a transient frame is only dropped."""
    queue, _ = create_queue(8)
    for _ in range(8):
        assert queue.push(DURABLE)

    assert queue.push(TRANSIENT)
    assert not queue.push(DURABLE)
    assert queue.pop_chunk() == b"d" * 8


def test_the_queue_is_bounded_in_bytes() -> None:
    """Four frames of the largest size fit, a fifth does not."""
    queue, _ = create_queue(100)
    large = QueuedFrame(Priority.DURABLE, b"x" * MAX_FRAME_BYTES)

    assert [queue.push(large) for _ in range(5)] == [True, True, True, True, False]


def test_transient_frames_are_kept_if_only_deltas_may_be_dropped() -> None:
    """A transient frame without room then needs a reset."""
    queue, policy = create_queue(8, "drop_tokens")
    for _ in range(8):
        assert queue.push(TRANSIENT)

    assert not queue.push(TRANSIENT)
    assert not queue.push(DURABLE)
    assert policy.dropped == [0, 1, 1]


def test_the_answer_of_a_dropped_delta_is_remembered() -> None:
    """Also if the delta was queued and had to make room."""
    queue, _ = create_queue(8)
    queue.push(QueuedFrame(Priority.DELTA, b"x", ANSWER))
    for _ in range(8):
        queue.push(DURABLE)

    assert queue.truncated_answers == {ANSWER}
    assert queue.pop_chunk() == b"d" * 8


def test_a_long_queue_is_counted_once() -> None:
    """When it reaches the length from which the stream counts as slow."""
    queue, policy = create_queue(8)
    for _ in range(8):
        queue.push(DURABLE)

    assert policy.slow_count == 1


def test_clearing_returns_the_subscriptions_that_lost_durable_frames() -> None:
    """Only these have to reset."""
    queue, _ = create_queue(8)
    queue.push(DURABLE, "first")
    queue.push(TRANSIENT, "second")

    assert queue.clear() == {"first"}
    assert len(queue) == 0


def test_the_text_of_an_answer_without_room_is_sent_later() -> None:
    """Whatever may be dropped: a reset would send the same texts again, without end."""
    queue, _ = create_queue(8, "drop_tokens")
    texts = [QueuedFrame(Priority.TRANSIENT, b"t", UUID(int=n)) for n in range(10)]

    assert all(queue.push(text) for text in texts)
    assert queue.truncated_answers == {UUID(int=8), UUID(int=9)}
