"""The hub ends streams, counts them, and fills gaps."""

import asyncio
from uuid import uuid4

from tests.support.clocks import TestClock
from tests.support.event_log import (
    ROOM,
    ListLog,
    make_hub,
    make_live_reader,
    make_reader,
    membership,
    numbers,
    waiting,
)
from tests.support.waiting import until


async def test_a_gap_is_filled_from_the_log() -> None:
    """An event that nobody publishes is read after a moment."""
    log, clock = ListLog(), TestClock()
    hub = make_hub(log, clock)
    reader, channel = make_live_reader(hub)
    log.add()
    hub.publish(ROOM, [log.add()])
    await asyncio.sleep(0)

    clock.move(1)
    await until(lambda: channel.position == 2)

    assert numbers(waiting(hub, reader)) == [1, 2]


def test_streams_end_with_the_event_of_a_removal() -> None:
    """Whatever process removed the person; streams that were opened by a later right go on."""
    hub = make_hub(ListLog())
    user_id = uuid4()
    old, new, other = make_reader(hub, user_id), make_reader(hub, user_id), make_reader(hub)
    new.seats[0].checked = 1
    hub.channel(ROOM).start(0)

    hub.publish(ROOM, [membership(1, user_id, "removed")])
    assert [r.closing is not None for r in (old, new, other)] == [True, False, False]
    hub.publish(ROOM, [membership(2, user_id, "added"), membership(3, user_id, "removed")])

    assert [r.closing is not None for r in (old, new, other)] == [True, True, False]


def test_private_events_reach_one_person() -> None:
    """Only the person's own streams are told."""
    hub = make_hub(ListLog())
    one, two = make_live_reader(hub)[0], make_live_reader(hub)[0]

    hub.tell_user(ROOM, one.identity.user_id, b"x")

    assert (one.outbox.take(), two.outbox.take()) == (b"x", b"")


def test_conversations_that_nobody_reads_are_forgotten() -> None:
    """After a while without readers, the recent events go."""
    clock = TestClock()
    hub = make_hub(ListLog(), clock)
    reader = make_reader(hub)
    hub.channel(ROOM).start(0)
    hub.leave(reader)

    hub.forget_idle()
    assert hub.statistics()["conversations"] == 1
    clock.move(hub.limits.ring_idle)
    hub.forget_idle()

    assert hub.statistics()["conversations"] == 0


def test_nobody_there_costs_nothing() -> None:
    """Events of a conversation without readers are not kept."""
    log = ListLog()
    hub = make_hub(log)

    hub.publish(ROOM, [log.add()])
    hub.tell(ROOM, b"x")

    assert hub.statistics() == {
        "streams": 0,
        "conversations": 0,
        "ring_bytes": 0,
        "waiting_events": 0,
        "answers": 0,
    }


async def test_a_gap_is_filled_once_the_database_is_back() -> None:
    """While it is away, it is asked again and again."""
    log, clock = ListLog(), TestClock()
    hub = make_hub(log, clock)
    reader, channel = make_live_reader(hub)
    log.away = True
    log.add()
    hub.publish(ROOM, [log.add()])
    for _ in range(5):
        await asyncio.sleep(0)
        clock.move(1)
    assert channel.position == 0
    log.away = False
    clock.move(1)
    await until(lambda: channel.position == 2)

    assert numbers(waiting(hub, reader)) == [1, 2]


async def test_a_gap_that_was_pruned_makes_readers_load_anew() -> None:
    """What nobody has any more is not waited for."""
    log, clock = ListLog(), TestClock()
    hub = make_hub(log, clock)
    reader, channel = make_live_reader(hub)
    log.add()
    late = log.add()
    log.oldest = 2
    hub.publish(ROOM, [late])
    await asyncio.sleep(0)
    clock.move(1)
    await until(lambda: channel.position == 2)

    assert reader.seats[0].reset == "trimmed"


async def test_events_that_nobody_published_are_found() -> None:
    """When it is not known what the database has kept, the log is read."""
    log, clock = ListLog(), TestClock()
    hub = make_hub(log, clock)
    reader, channel = make_live_reader(hub)
    log.add()
    hub.look_again()
    await asyncio.sleep(0)
    clock.move(1)
    await until(lambda: channel.position == 1)

    assert numbers(waiting(hub, reader)) == [1]


async def test_a_watcher_that_fails_stops_nothing() -> None:
    """The event has happened, and goes to readers and to the other watchers."""
    log, heard = ListLog(), []
    hub = make_hub(log)
    reader, _ = make_live_reader(hub)

    def fail(_: object) -> None:
        raise ValueError("a mistake in the program")

    hub.watch(fail)
    hub.watch(lambda event: heard.append(event.number))
    hub.publish(ROOM, [log.add(), log.add()])

    assert heard == [1, 2]
    assert numbers(waiting(hub, reader)) == [1, 2]
