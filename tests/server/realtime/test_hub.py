"""The hub ends streams, counts them, and fills gaps."""

import asyncio
from uuid import uuid4

from tests.support.components.hub_harness import (
    CONVERSATION_ID,
    MemoryEventLog,
    make_hub,
    make_live_subscriber,
    make_subscriber,
    membership,
    numbers,
    pending_data,
)
from tests.support.fakes.fake_clock import FakeClock
from tests.support.wait import until


async def test_a_gap_is_filled_from_the_log() -> None:
    """An event that nobody publishes is read after a moment."""
    log, clock = MemoryEventLog(), FakeClock()
    hub = make_hub(log, clock)
    reader, channel = make_live_subscriber(hub)
    log.add()
    hub.publish(CONVERSATION_ID, [log.add()])
    await asyncio.sleep(0)

    clock.advance(1)
    await until(lambda: channel.position == 2)

    assert numbers(pending_data(hub, reader)) == [1, 2]


def test_streams_end_with_the_event_of_a_removal() -> None:
    """Whatever process removed the person; streams that were opened by a later right go on."""
    hub = make_hub(MemoryEventLog())
    user_id = uuid4()
    old, new, other = (
        make_subscriber(hub, user_id),
        make_subscriber(hub, user_id),
        make_subscriber(hub),
    )
    new.subscriptions[0].authorized_at = 1
    hub.channel(CONVERSATION_ID).start(0)

    hub.publish(CONVERSATION_ID, [membership(1, user_id, "removed")])
    assert [r.close_frame is not None for r in (old, new, other)] == [True, False, False]
    hub.publish(
        CONVERSATION_ID, [membership(2, user_id, "added"), membership(3, user_id, "removed")]
    )

    assert [r.close_frame is not None for r in (old, new, other)] == [True, True, False]


def test_private_events_reach_one_person() -> None:
    """Only the person's own streams are told."""
    hub = make_hub(MemoryEventLog())
    one, two = make_live_subscriber(hub)[0], make_live_subscriber(hub)[0]

    hub.send_to_user(CONVERSATION_ID, one.identity.user_id, b"x")

    assert (one.send_queue.pop_chunk(), two.send_queue.pop_chunk()) == (b"x", b"")


def test_conversations_that_nobody_reads_are_forgotten() -> None:
    """After a while without readers, the recent events go."""
    clock = FakeClock()
    hub = make_hub(MemoryEventLog(), clock)
    reader = make_subscriber(hub)
    hub.channel(CONVERSATION_ID).start(0)
    hub.unregister(reader)

    hub.evict_idle()
    assert hub.statistics()["conversations"] == 1
    clock.advance(hub.limits.ring_idle)
    hub.evict_idle()

    assert hub.statistics()["conversations"] == 0


def test_nobody_there_costs_nothing() -> None:
    """Events of a conversation without readers are not kept."""
    log = MemoryEventLog()
    hub = make_hub(log)

    hub.publish(CONVERSATION_ID, [log.add()])
    hub.broadcast(CONVERSATION_ID, b"x")

    assert hub.statistics() == {
        "streams": 0,
        "conversations": 0,
        "ring_bytes": 0,
        "waiting_events": 0,
        "answers": 0,
    }


async def test_a_gap_is_filled_once_the_database_is_back() -> None:
    """While it is away, it is asked again and again."""
    log, clock = MemoryEventLog(), FakeClock()
    hub = make_hub(log, clock)
    reader, channel = make_live_subscriber(hub)
    log.unavailable = True
    log.add()
    hub.publish(CONVERSATION_ID, [log.add()])
    for _ in range(5):
        await asyncio.sleep(0)
        clock.advance(1)
    assert channel.position == 0
    log.unavailable = False
    clock.advance(1)
    await until(lambda: channel.position == 2)

    assert numbers(pending_data(hub, reader)) == [1, 2]


async def test_a_gap_that_was_pruned_makes_readers_load_anew() -> None:
    """What nobody has any more is not waited for."""
    log, clock = MemoryEventLog(), FakeClock()
    hub = make_hub(log, clock)
    reader, channel = make_live_subscriber(hub)
    log.add()
    late = log.add()
    log.oldest = 2
    hub.publish(CONVERSATION_ID, [late])
    await asyncio.sleep(0)
    clock.advance(1)
    await until(lambda: channel.position == 2)

    assert reader.subscriptions[0].reset_reason == "trimmed"


async def test_events_that_nobody_published_are_found() -> None:
    """When it is not known what the database has kept, the log is read."""
    log, clock = MemoryEventLog(), FakeClock()
    hub = make_hub(log, clock)
    reader, channel = make_live_subscriber(hub)
    log.add()
    hub.schedule_log_check()
    await asyncio.sleep(0)
    clock.advance(1)
    await until(lambda: channel.position == 1)

    assert numbers(pending_data(hub, reader)) == [1]


async def test_a_watcher_that_fails_stops_nothing() -> None:
    """The event has happened, and goes to readers and to the other watchers."""
    log, heard = MemoryEventLog(), []
    hub = make_hub(log)
    reader, _ = make_live_subscriber(hub)

    def fail(_: object) -> None:
        raise ValueError("a mistake in the program")

    hub.add_listener(fail)
    hub.add_listener(lambda event: heard.append(event.number))
    hub.publish(CONVERSATION_ID, [log.add(), log.add()])

    assert heard == [1, 2]
    assert numbers(pending_data(hub, reader)) == [1, 2]
