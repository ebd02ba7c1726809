"""Streams are bounded, counted and ended."""

import asyncio
from uuid import uuid4

from tests.support.clocks import TestClock
from tests.support.event_log import ListLog, follow, make_hub, make_reader

from rustygpt_server.realtime.outbox import Item, Kind
from rustygpt_server.realtime.streams import OVERDUE, SLOTS, Ending


def test_streams_end_with_their_session() -> None:
    """Another session's streams go on."""
    hub = make_hub(ListLog())
    one, two = make_reader(hub), make_reader(hub)

    hub.streams.end(Ending("session_ended", session_id=one.identity.session_id))

    assert (one.closing is not None, two.closing is not None) == (True, False)


def test_streams_per_person_are_bounded() -> None:
    """One more than allowed is too many; a stream that leaves makes room."""
    hub = make_hub(ListLog())
    user_id = uuid4()
    readers = [make_reader(hub, user_id) for _ in range(hub.settings.max_streams_per_user)]

    assert hub.streams.is_full_for(user_id)
    assert not hub.streams.is_full_for(uuid4())
    hub.leave(readers[0])
    hub.leave(readers[0])
    assert not hub.streams.is_full_for(user_id)
    assert hub.statistics()["streams"] == len(readers) - 1


async def test_draining_ends_every_stream() -> None:
    """All are told to come back later, and no new one is taken."""
    hub = make_hub(ListLog(), TestClock())
    reader = make_reader(hub)
    draining = asyncio.create_task(hub.drain())
    await asyncio.sleep(0)

    assert b'"reason":"shutdown"' in (reader.closing or b"")
    assert hub.streams.is_full_for(uuid4())
    hub.leave(reader)
    draining.cancel()


def test_a_stream_ends_with_its_session() -> None:
    """At the absolute end, without asking the database."""
    clock = TestClock()
    hub = make_hub(ListLog(), clock)
    reader = make_reader(hub)
    hub.streams.end_expired()
    assert reader.closing is None
    clock.move(7 * 24 * 3_600)
    hub.streams.end_expired()

    assert b"session_ended" in (reader.closing or b"")


def test_what_was_dropped_is_counted() -> None:
    """By kind, while the stream is open and when it leaves."""
    hub = make_hub(ListLog(), capacity=8)
    reader = make_reader(hub)
    count = hub.metrics.registry.get_sample_value
    for _ in range(9):
        reader.tell(Item(Kind.TRANSIENT, b"x"))
    hub.streams.settle()
    assert count("rustygpt_sse_dropped_total", {"kind": "transient"}) == 1
    reader.tell(Item(Kind.DURABLE, b"d"), seat=reader.seats[0])
    for _ in range(8):
        reader.tell(Item(Kind.DURABLE, b"d"), seat=reader.seats[0])
    hub.leave(reader)
    hub.streams.settle()

    assert count("rustygpt_sse_dropped_total", {"kind": "transient"}) == 9
    assert count("rustygpt_sse_dropped_total", {"kind": "durable"}) == 9


def test_only_silent_streams_get_a_heartbeat() -> None:
    """One that was sent something since the last beat needs none."""
    clock = TestClock()
    hub = make_hub(ListLog(), clock)
    silent, busy = make_reader(hub), make_reader(hub)
    clock.move(10)
    hub.streams.beat()
    busy.quiet = False
    clock.move(10)
    hub.streams.beat()

    assert (silent.beating, busy.beating) == (True, False)


def test_heartbeats_stay_spread_while_streams_come_and_go() -> None:
    """Each that comes in the place of another would else beat with those before it."""
    clock = TestClock()
    hub = make_hub(ListLog(), clock)
    readers = [make_reader(hub) for _ in range(64)]
    for _ in range(64):
        hub.leave(readers.pop(0))
        readers.append(make_reader(hub))
    beating = [0]
    for reader in readers:
        reader.quiet = True
    for _ in range(SLOTS):
        clock.move(hub.streams.beat_seconds)
        hub.streams.beat()
        beating.append(sum(reader.beating for reader in readers))

    assert beating == [4 * n for n in range(SLOTS + 1)]


async def test_a_slow_reader_is_cut_when_its_right_is_over() -> None:
    """It cannot be told in time; one that has only just to end gets its moment."""
    log = ListLog()
    hub = make_hub(log)
    slow, other = follow(hub, log), follow(hub, log)
    await slow.live()
    await other.live()
    slow.sink.set_full(True)
    hub.streams.end(Ending("session_ended", session_id=slow.reader.identity.session_id))
    hub.streams.cut_overdue()
    assert not slow.sink.is_cut
    for _ in range(OVERDUE):
        hub.streams.cut_overdue()

    assert (slow.sink.is_cut, other.sink.is_cut) == (True, False)
    await slow.close()
    await other.close()
