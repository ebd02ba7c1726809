"""Channels are brought up to the log, whatever is missing from it."""

import asyncio
from uuid import UUID

from tests.support.components.hub_harness import (
    CONVERSATION_ID,
    MemoryEventLog,
    follow,
    make_hub,
    make_live_subscriber,
    make_subscriber,
    numbers,
    pending_data,
)
from tests.support.fakes.fake_clock import FakeClock
from tests.support.wait import until

from rustygpt_server.realtime.channel import Channel
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.subscriber import Subscriber


def _followed(
    log: MemoryEventLog, capacity: int = 1_000, clock: FakeClock | None = None
) -> tuple[Hub, Channel, Subscriber]:
    hub = make_hub(log, clock or FakeClock(), capacity)
    reader, channel = make_live_subscriber(hub)
    return hub, channel, reader


async def test_a_position_elsewhere_is_reached() -> None:
    """However far: page by page, in order, each once."""
    log = MemoryEventLog()
    hub, channel, reader = _followed(log)
    for _ in range(333):
        log.add()
    hub.catch_up.advance(CONVERSATION_ID, 333)
    assert hub.catch_up.is_behind(CONVERSATION_ID)
    await until(lambda: not hub.catch_up.is_behind(CONVERSATION_ID))

    assert numbers(pending_data(hub, reader)) == list(range(1, 334))
    assert channel.position == 333


async def test_a_burst_of_positions_is_one_task() -> None:
    """Many notes while one reading runs add no reading of their own."""
    log = MemoryEventLog()
    hub, _, reader = _followed(log)
    for _ in range(20):
        log.add()
        hub.catch_up.advance(CONVERSATION_ID, len(log.events))
    await until(lambda: not hub.catch_up.is_behind(CONVERSATION_ID))

    assert numbers(pending_data(hub, reader)) == list(range(1, 21))
    assert log.reads == 1


async def test_positions_of_others_conversations_cost_nothing() -> None:
    """What nobody reads here is not read from the log."""
    log = MemoryEventLog()
    hub, _, _ = _followed(log)
    hub.catch_up.advance(UUID(int=99), 5)
    await asyncio.sleep(0)

    assert log.reads == 0


async def test_what_is_known_of_before_a_reader_is_ready_is_reached() -> None:
    """A position heard while a stream opens counts from its start on."""
    log = MemoryEventLog()
    hub = make_hub(log, FakeClock())
    make_subscriber(hub)
    log.add()
    log.add()
    hub.catch_up.advance(CONVERSATION_ID, 2)
    hub.channel(CONVERSATION_ID).start(1)
    hub.catch_up.advance(CONVERSATION_ID, 1)
    await until(lambda: hub.channel(CONVERSATION_ID).position == 2)


async def test_events_that_are_gone_reset_the_readers() -> None:
    """A process that was deaf for longer than the log reaches back tells its readers so."""
    log = MemoryEventLog()
    hub, channel, reader = _followed(log)
    for _ in range(30):
        log.add()
    log.oldest = 25
    hub.catch_up.advance(CONVERSATION_ID, 30)
    await until(lambda: not hub.catch_up.is_behind(CONVERSATION_ID))

    assert (channel.position, reader.subscriptions[0].reset_reason) == (30, "trimmed")
    log.oldest = 99
    log.add()
    hub.catch_up.advance(CONVERSATION_ID, 31)
    await until(lambda: channel.position == 31)


async def test_a_position_that_is_not_true_does_no_harm() -> None:
    """The log decides: events up to its end still arrive, and later ones too."""
    log = MemoryEventLog()
    hub, channel, reader = _followed(log)
    log.add()
    hub.catch_up.advance(CONVERSATION_ID, 1 << 62)
    await until(lambda: not hub.catch_up.is_behind(CONVERSATION_ID))
    hub.publish(CONVERSATION_ID, [log.add()])

    assert (channel.position, numbers(pending_data(hub, reader))) == (2, [1, 2])


async def test_a_log_that_is_away_is_asked_again() -> None:
    """Nothing is forgotten, and comparing positions in the meantime does no harm."""
    log, clock = MemoryEventLog(), FakeClock()
    hub, channel, _ = _followed(log, clock=clock)
    log.add()
    log.unavailable = True
    hub.catch_up.advance(CONVERSATION_ID, 1)
    hub.catch_up.schedule_check()
    for _ in range(3):
        await asyncio.sleep(0.001)
        clock.advance(1)
    assert channel.position == 0
    log.unavailable = False
    clock.advance(1)
    await until(lambda: channel.position == 1)
    await hub.catch_up.stop()


async def test_a_log_that_went_back_makes_readers_load_anew() -> None:
    """A database restored from a backup gives numbers a second time; what has them is told."""
    log = MemoryEventLog()
    hub, channel, reader = _followed(log)
    hub.publish(CONVERSATION_ID, [log.add() for _ in range(20)])
    pending_data(hub, reader)
    del log.events[5:]
    await hub.catch_up.check()
    assert (channel.position, reader.subscriptions[0].reset_reason) == (5, "trimmed")
    hub.publish(CONVERSATION_ID, [log.add()])

    assert channel.position == 6


async def test_a_log_that_went_back_is_told_to_those_that_catch_up() -> None:
    """They know events by numbers that others get now; no right is newer than the log."""
    log = MemoryEventLog()
    hub, _, _ = _followed(log)
    hub.publish(CONVERSATION_ID, [log.add() for _ in range(300)])
    stream = follow(hub, log, "evt_290")
    stream.sink.set_full(True)
    await until(
        lambda: stream.subscriber.subscriptions[0].cursor == 300
    )  # on its way, but not live
    seat = stream.subscriber.subscriptions[0]
    seat.authorized_at = 300

    del log.events[50:]
    hub.catch_up.schedule_check()
    await until(lambda: hub.channel(CONVERSATION_ID).position == 50)
    hub.publish(CONVERSATION_ID, [log.add() for _ in range(251)])
    stream.sink.set_full(False)
    await stream.wait_until_live()

    assert b'"reason":"trimmed"' in stream.sink.data
    assert seat.authorized_at == 50
    await stream.close()
