"""Streams are bounded, counted and ended."""

import asyncio
from uuid import uuid4

from tests.support.components.hub_harness import MemoryEventLog, follow, make_hub, make_subscriber
from tests.support.fakes.fake_clock import FakeClock

from rustygpt_server.realtime.registry import MAX_CLOSE_CHECKS, WHEEL_SLOTS, Revocation
from rustygpt_server.realtime.send_queue import Priority, QueuedFrame


def test_streams_end_with_their_session() -> None:
    """Another session's streams go on."""
    hub = make_hub(MemoryEventLog())
    one, two = make_subscriber(hub), make_subscriber(hub)

    hub.subscribers.revoke(Revocation("session_ended", session_id=one.identity.session_id))

    assert (one.close_frame is not None, two.close_frame is not None) == (True, False)


def test_streams_per_person_are_bounded() -> None:
    """One more than allowed is too many; a stream that leaves makes room."""
    hub = make_hub(MemoryEventLog())
    user_id = uuid4()
    readers = [make_subscriber(hub, user_id) for _ in range(hub.settings.max_streams_per_user)]

    assert hub.subscribers.is_full_for(user_id)
    assert not hub.subscribers.is_full_for(uuid4())
    hub.unregister(readers[0])
    hub.unregister(readers[0])
    assert not hub.subscribers.is_full_for(user_id)
    assert hub.statistics()["streams"] == len(readers) - 1


async def test_draining_ends_every_stream() -> None:
    """All are told to come back later, and no new one is taken."""
    hub = make_hub(MemoryEventLog(), FakeClock())
    reader = make_subscriber(hub)
    draining = asyncio.create_task(hub.drain())
    await asyncio.sleep(0)

    assert b'"reason":"shutdown"' in (reader.close_frame or b"")
    assert hub.subscribers.is_full_for(uuid4())
    hub.unregister(reader)
    draining.cancel()


def test_a_stream_ends_with_its_session() -> None:
    """At the absolute end, without asking the database."""
    clock = FakeClock()
    hub = make_hub(MemoryEventLog(), clock)
    reader = make_subscriber(hub)
    hub.subscribers.close_expired()
    assert reader.close_frame is None
    clock.advance(7 * 24 * 3_600)
    hub.subscribers.close_expired()

    assert b"session_ended" in (reader.close_frame or b"")


def test_what_was_dropped_is_counted() -> None:
    """By kind, while the stream is open and when it leaves."""
    hub = make_hub(MemoryEventLog(), capacity=8)
    reader = make_subscriber(hub)
    count = hub.metrics.registry.get_sample_value
    for _ in range(9):
        reader.send(QueuedFrame(Priority.TRANSIENT, b"x"))
    hub.subscribers.flush_metrics()
    assert count("rustygpt_sse_dropped_total", {"kind": "transient"}) == 1
    reader.send(QueuedFrame(Priority.DURABLE, b"d"), subscription=reader.subscriptions[0])
    for _ in range(8):
        reader.send(QueuedFrame(Priority.DURABLE, b"d"), subscription=reader.subscriptions[0])
    hub.unregister(reader)
    hub.subscribers.flush_metrics()

    assert count("rustygpt_sse_dropped_total", {"kind": "transient"}) == 9
    assert count("rustygpt_sse_dropped_total", {"kind": "durable"}) == 9


def test_only_silent_streams_get_a_heartbeat() -> None:
    """One that was sent something since the last beat needs none."""
    clock = FakeClock()
    hub = make_hub(MemoryEventLog(), clock)
    silent, busy = make_subscriber(hub), make_subscriber(hub)
    clock.advance(10)
    hub.subscribers.tick()
    busy.quiet_since_tick = False
    clock.advance(10)
    hub.subscribers.tick()

    assert (silent.keepalive_due, busy.keepalive_due) == (True, False)


def test_heartbeats_stay_spread_while_streams_come_and_go() -> None:
    """Each that comes in the place of another would else beat with those before it."""
    clock = FakeClock()
    hub = make_hub(MemoryEventLog(), clock)
    readers = [make_subscriber(hub) for _ in range(64)]
    for _ in range(64):
        hub.unregister(readers.pop(0))
        readers.append(make_subscriber(hub))
    beating = [0]
    for reader in readers:
        reader.quiet_since_tick = True
    for _ in range(WHEEL_SLOTS):
        clock.advance(hub.subscribers.tick_seconds)
        hub.subscribers.tick()
        beating.append(sum(reader.keepalive_due for reader in readers))

    assert beating == [4 * n for n in range(WHEEL_SLOTS + 1)]


async def test_a_slow_reader_is_cut_when_its_right_is_over() -> None:
    """It cannot be told in time; one that has only just to end gets its moment."""
    log = MemoryEventLog()
    hub = make_hub(log)
    slow, other = follow(hub, log), follow(hub, log)
    await slow.wait_until_live()
    await other.wait_until_live()
    slow.sink.set_full(True)
    hub.subscribers.revoke(
        Revocation("session_ended", session_id=slow.subscriber.identity.session_id)
    )
    hub.subscribers.abort_overdue()
    assert not slow.sink.is_aborted
    for _ in range(MAX_CLOSE_CHECKS):
        hub.subscribers.abort_overdue()

    assert (slow.sink.is_aborted, other.sink.is_aborted) == (True, False)
    await slow.close()
    await other.close()
