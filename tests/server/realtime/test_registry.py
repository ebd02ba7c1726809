"""Open streams are limited and counted, get keepalives, and are closed."""

import asyncio
from uuid import uuid4

from tests.support.components.hub_harness import HubHarness
from tests.support.fakes.fake_clock import FakeClock

from rustygpt_server.realtime.registry import MAX_CLOSE_CHECKS, WHEEL_SLOTS, Revocation
from rustygpt_server.realtime.send_queue import Priority, QueuedFrame


def test_the_end_of_a_session_closes_its_streams() -> None:
    """Streams of other sessions stay open."""
    harness = HubHarness()
    affected = harness.subscriber()
    other = harness.subscriber()

    harness.subscribers.revoke(Revocation("session_ended", session_id=affected.identity.session_id))

    assert affected.close_frame is not None
    assert other.close_frame is None


def test_streams_per_user_are_limited() -> None:
    """One more than the limit is rejected; a stream that is closed makes room."""
    harness = HubHarness()
    user_id = uuid4()
    limit = harness.settings.max_streams_per_user
    subscribers = [harness.subscriber(user_id) for _ in range(limit)]

    assert harness.subscribers.is_full_for(user_id)
    assert not harness.subscribers.is_full_for(uuid4())
    harness.hub.unregister(subscribers[0])
    harness.hub.unregister(subscribers[0])
    assert not harness.subscribers.is_full_for(user_id)
    assert harness.hub.statistics()["streams"] == limit - 1


async def test_draining_closes_every_stream() -> None:
    """All clients get a time to reconnect, and no new stream is accepted."""
    harness = HubHarness()
    subscriber = harness.subscriber()
    draining = asyncio.create_task(harness.hub.drain())
    await asyncio.sleep(0)

    assert b'"reason":"shutdown"' in (subscriber.close_frame or b"")
    assert harness.subscribers.is_full_for(uuid4())
    harness.hub.unregister(subscriber)
    draining.cancel()


def test_a_stream_closes_at_the_absolute_end_of_its_session() -> None:
    """This needs no query."""
    clock = FakeClock()
    harness = HubHarness(clock=clock)
    subscriber = harness.subscriber()
    harness.subscribers.close_expired()
    assert subscriber.close_frame is None
    clock.advance(7 * 24 * 3_600)
    harness.subscribers.close_expired()

    assert b"session_ended" in (subscriber.close_frame or b"")


def test_dropped_frames_are_counted() -> None:
    """By priority, while a stream is open and after it was closed."""
    harness = HubHarness(capacity=8)
    subscriber = harness.subscriber()
    count = harness.metrics.registry.get_sample_value
    for _ in range(9):
        subscriber.send(QueuedFrame(Priority.TRANSIENT, b"x"))
    harness.subscribers.flush_metrics()
    assert count("rustygpt_sse_dropped_total", {"kind": "transient"}) == 1
    for _ in range(9):
        subscriber.send(
            QueuedFrame(Priority.DURABLE, b"d"), subscription=subscriber.subscriptions[0]
        )
    harness.hub.unregister(subscriber)
    harness.subscribers.flush_metrics()

    assert count("rustygpt_sse_dropped_total", {"kind": "transient"}) == 9
    assert count("rustygpt_sse_dropped_total", {"kind": "durable"}) == 9


def test_only_silent_streams_get_a_keepalive() -> None:
    """One that was sent something since the last tick needs none."""
    clock = FakeClock()
    harness = HubHarness(clock=clock)
    silent = harness.subscriber()
    busy = harness.subscriber()
    clock.advance(10)
    harness.subscribers.tick()
    busy.quiet_since_tick = False
    clock.advance(10)
    harness.subscribers.tick()

    assert silent.keepalive_due
    assert not busy.keepalive_due


def test_keepalives_stay_spread_while_streams_come_and_go() -> None:
    """A new stream gets the emptiest slot of the timing wheel."""
    clock = FakeClock()
    harness = HubHarness(clock=clock)
    subscribers = [harness.subscriber() for _ in range(64)]
    for _ in range(64):
        harness.hub.unregister(subscribers.pop(0))
        subscribers.append(harness.subscriber())
    due_counts = [0]
    for subscriber in subscribers:
        subscriber.quiet_since_tick = True
    for _ in range(WHEEL_SLOTS):
        clock.advance(harness.subscribers.tick_seconds)
        harness.subscribers.tick()
        due_counts.append(sum(subscriber.keepalive_due for subscriber in subscribers))

    assert due_counts == [4 * slot for slot in range(WHEEL_SLOTS + 1)]


async def test_a_slow_stream_that_has_to_end_is_aborted() -> None:
    """It cannot be sent its last frame; it has a moment for it before."""
    harness = HubHarness()
    slow = harness.follow()
    other = harness.follow()
    await slow.wait_until_live()
    await other.wait_until_live()
    slow.sink.set_full(True)
    harness.subscribers.revoke(
        Revocation("session_ended", session_id=slow.subscriber.identity.session_id)
    )
    harness.subscribers.abort_overdue()
    assert not slow.sink.is_aborted
    for _ in range(MAX_CLOSE_CHECKS):
        harness.subscribers.abort_overdue()

    assert slow.sink.is_aborted
    assert not other.sink.is_aborted
    await slow.close()
    await other.close()
