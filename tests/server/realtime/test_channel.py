"""A channel hands events on in the order of their numbers."""

import random

from tests.support.components.hub_harness import (
    CONVERSATION_ID,
    MemoryEventLog,
    make_hub,
    make_live_subscriber,
    numbers,
    pending_data,
)

from rustygpt_server.realtime.channel import Channel
from rustygpt_server.realtime.ring import RingBudget


async def test_events_are_handed_on_in_order() -> None:
    """However tasks publish, readers get 1, 2, 3."""
    log = MemoryEventLog()
    hub = make_hub(log, capacity=128)
    reader, channel = make_live_subscriber(hub)
    events = [log.add() for _ in range(50)]
    random.Random(1).shuffle(events)

    for event in events:
        channel.publish([event])

    assert numbers(pending_data(hub, reader)) == list(range(1, 51))


async def test_events_published_twice_are_told_once() -> None:
    """A repeated event is not repeated to readers."""
    log = MemoryEventLog()
    hub = make_hub(log)
    reader, channel = make_live_subscriber(hub)
    event = log.add()

    channel.publish([event])
    channel.publish([event])

    assert numbers(pending_data(hub, reader)) == [1]


def test_a_gap_is_told() -> None:
    """While an event is missing, publish says so, and holds what comes after it."""
    log = MemoryEventLog()
    channel = Channel(CONVERSATION_ID, RingBudget())
    channel.start(0)
    first, second = log.add(), log.add()

    assert not channel.publish([second])
    assert channel.position == 0
    assert channel.publish([first])
    assert channel.position == 2


def test_events_before_the_start_are_known() -> None:
    """What the log's position covers already is not told again."""
    log = MemoryEventLog()
    channel = Channel(CONVERSATION_ID, RingBudget())
    events = [log.add() for _ in range(3)]
    channel.publish(events)

    channel.start(2)

    assert channel.position == 3
    assert [e.number for e in channel.since(2) or []] == [3]


def test_what_is_held_of_a_log_that_went_back_is_not_told() -> None:
    """Its number is given to another event now."""
    channel, log = Channel(CONVERSATION_ID, RingBudget()), MemoryEventLog()
    events = [log.add() for _ in range(4)]
    channel.start(0)
    channel.publish([*events[:2], events[3]])
    channel.jump_to(1)
    channel.publish(events[1:3])

    assert channel.position == 3
