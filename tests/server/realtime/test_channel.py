"""A channel delivers events in the order of their numbers."""

import random

from tests.support.components.hub_harness import (
    CONVERSATION_ID,
    HubHarness,
    MemoryEventLog,
    numbers,
)

from rustygpt_server.realtime.channel import Channel
from rustygpt_server.realtime.ring import RingBudget
from rustygpt_server.realtime.subscription import SubscriptionState


async def test_events_are_delivered_in_order() -> None:
    """In whatever order tasks publish, subscribers get 1, 2, 3."""
    harness = HubHarness(capacity=128)
    subscriber = harness.live_subscriber()
    events = [harness.log.add() for _ in range(50)]
    random.Random(1).shuffle(events)

    for event in events:
        harness.channel.publish([event])

    assert numbers(harness.queued_data(subscriber)) == list(range(1, 51))


async def test_an_event_published_twice_is_delivered_once() -> None:
    """A repeated event is not repeated to subscribers."""
    harness = HubHarness()
    subscriber = harness.live_subscriber()
    event = harness.log.add()

    harness.channel.publish([event])
    harness.channel.publish([event])

    assert numbers(harness.queued_data(subscriber)) == [1]


def test_publish_reports_a_gap() -> None:
    """While an event is missing, the events after it are held back."""
    log = MemoryEventLog()
    channel = Channel(CONVERSATION_ID, RingBudget())
    channel.start(0)
    first = log.add()
    second = log.add()

    assert not channel.publish([second])
    assert channel.position == 0
    assert channel.publish([first])
    assert channel.position == 2


def test_events_up_to_the_start_position_are_not_delivered() -> None:
    """The position of the log covers them already."""
    log = MemoryEventLog()
    channel = Channel(CONVERSATION_ID, RingBudget())
    events = [log.add() for _ in range(3)]
    channel.publish(events)

    channel.start(2)

    assert channel.position == 3
    assert [event.number for event in channel.since(2) or []] == [3]


def test_buffered_events_are_dropped_when_the_log_goes_back() -> None:
    """Their numbers belong to other events now."""
    channel = Channel(CONVERSATION_ID, RingBudget())
    log = MemoryEventLog()
    events = [log.add() for _ in range(4)]
    channel.start(0)
    channel.publish([*events[:2], events[3]])
    channel.jump_to(1)
    channel.publish(events[1:3])

    assert channel.position == 3


async def test_a_subscription_that_is_ahead_turns_live_at_its_cursor() -> None:
    """It gets the first event that it has not seen, and none before it."""
    harness = HubHarness()
    harness.channel.start(0)
    subscriber = harness.subscriber()
    (subscription,) = subscriber.subscriptions
    subscription.start(2)
    harness.channel.join(subscription, subscriber)
    assert subscription.state is SubscriptionState.AHEAD

    harness.channel.publish([harness.log.add() for _ in range(3)])

    assert subscription.state is SubscriptionState.LIVE
    assert numbers(harness.queued_data(subscriber)) == [3]


async def test_a_subscription_that_is_ahead_and_has_to_reset_does_not_turn_live() -> None:
    """Its reset frame comes first."""
    harness = HubHarness()
    harness.channel.start(0)
    subscriber = harness.subscriber()
    (subscription,) = subscriber.subscriptions
    subscription.start(2)
    harness.channel.join(subscription, subscriber)
    subscriber.request_reset(subscription, "overflow")

    harness.channel.publish([harness.log.add() for _ in range(3)])

    assert subscription.state is SubscriptionState.RESETTING
    assert harness.queued_data(subscriber) == b""
