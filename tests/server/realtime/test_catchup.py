"""Channels are brought up to the log, whatever is missing from it."""

import asyncio
from uuid import UUID

from tests.support.clocks import TestClock
from tests.support.event_log import (
    ROOM,
    ListLog,
    follow,
    make_hub,
    make_live_reader,
    make_reader,
    numbers,
    waiting,
)
from tests.support.waiting import until

from rustygpt_server.realtime.channel import Channel
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.reader import Reader


def _followed(
    log: ListLog, capacity: int = 1_000, clock: TestClock | None = None
) -> tuple[Hub, Channel, Reader]:
    hub = make_hub(log, clock or TestClock(), capacity)
    reader, channel = make_live_reader(hub)
    return hub, channel, reader


async def test_a_position_elsewhere_is_reached() -> None:
    """However far: page by page, in order, each once."""
    log = ListLog()
    hub, channel, reader = _followed(log)
    for _ in range(333):
        log.add()
    hub.catch_up.note(ROOM, 333)
    assert hub.catch_up.is_behind(ROOM)
    await until(lambda: not hub.catch_up.is_behind(ROOM))

    assert numbers(waiting(hub, reader)) == list(range(1, 334))
    assert channel.position == 333


async def test_a_burst_of_positions_is_one_task() -> None:
    """Many notes while one reading runs add no reading of their own."""
    log = ListLog()
    hub, _, reader = _followed(log)
    for _ in range(20):
        log.add()
        hub.catch_up.note(ROOM, len(log.events))
    await until(lambda: not hub.catch_up.is_behind(ROOM))

    assert numbers(waiting(hub, reader)) == list(range(1, 21))
    assert log.reads == 1


async def test_positions_of_others_conversations_cost_nothing() -> None:
    """What nobody reads here is not read from the log."""
    log = ListLog()
    hub, _, _ = _followed(log)
    hub.catch_up.note(UUID(int=99), 5)
    await asyncio.sleep(0)

    assert log.reads == 0


async def test_what_is_known_of_before_a_reader_is_ready_is_reached() -> None:
    """A position heard while a stream opens counts from its start on."""
    log = ListLog()
    hub = make_hub(log, TestClock())
    make_reader(hub)
    log.add()
    log.add()
    hub.catch_up.note(ROOM, 2)
    hub.channel(ROOM).start(1)
    hub.catch_up.note(ROOM, 1)
    await until(lambda: hub.channel(ROOM).position == 2)


async def test_events_that_are_gone_reset_the_readers() -> None:
    """A process that was deaf for longer than the log reaches back tells its readers so."""
    log = ListLog()
    hub, channel, reader = _followed(log)
    for _ in range(30):
        log.add()
    log.oldest = 25
    hub.catch_up.note(ROOM, 30)
    await until(lambda: not hub.catch_up.is_behind(ROOM))

    assert (channel.position, reader.seats[0].reset) == (30, "trimmed")
    log.oldest = 99
    log.add()
    hub.catch_up.note(ROOM, 31)
    await until(lambda: channel.position == 31)


async def test_a_position_that_is_not_true_does_no_harm() -> None:
    """The log decides: events up to its end still arrive, and later ones too."""
    log = ListLog()
    hub, channel, reader = _followed(log)
    log.add()
    hub.catch_up.note(ROOM, 1 << 62)
    await until(lambda: not hub.catch_up.is_behind(ROOM))
    hub.publish(ROOM, [log.add()])

    assert (channel.position, numbers(waiting(hub, reader))) == (2, [1, 2])


async def test_a_log_that_is_away_is_asked_again() -> None:
    """Nothing is forgotten, and comparing positions in the meantime does no harm."""
    log, clock = ListLog(), TestClock()
    hub, channel, _ = _followed(log, clock=clock)
    log.add()
    log.away = True
    hub.catch_up.note(ROOM, 1)
    hub.catch_up.check_soon()
    for _ in range(3):
        await asyncio.sleep(0.001)
        clock.move(1)
    assert channel.position == 0
    log.away = False
    clock.move(1)
    await until(lambda: channel.position == 1)
    await hub.catch_up.stop()


async def test_a_log_that_went_back_makes_readers_load_anew() -> None:
    """A database restored from a backup gives numbers a second time; what has them is told."""
    log = ListLog()
    hub, channel, reader = _followed(log)
    hub.publish(ROOM, [log.add() for _ in range(20)])
    waiting(hub, reader)
    del log.events[5:]
    await hub.catch_up.check()
    assert (channel.position, reader.seats[0].reset) == (5, "trimmed")
    hub.publish(ROOM, [log.add()])

    assert channel.position == 6


async def test_a_log_that_went_back_is_told_to_those_that_catch_up() -> None:
    """They know events by numbers that others get now; no right is newer than the log."""
    log = ListLog()
    hub, _, _ = _followed(log)
    hub.publish(ROOM, [log.add() for _ in range(300)])
    stream = follow(hub, log, "evt_290")
    stream.sink.set_full(True)
    await until(lambda: stream.reader.seats[0].cursor == 300)  # on its way, but not live
    seat = stream.reader.seats[0]
    seat.checked = 300

    del log.events[50:]
    hub.catch_up.check_soon()
    await until(lambda: hub.channel(ROOM).position == 50)
    hub.publish(ROOM, [log.add() for _ in range(251)])
    stream.sink.set_full(False)
    await stream.live()

    assert b'"reason":"trimmed"' in stream.sink.data
    assert seat.checked == 50
    await stream.close()
