"""The hub delivers events, fills gaps, and ends streams."""

import asyncio
from uuid import uuid4

from tests.support.components.hub_harness import (
    CONVERSATION_ID,
    HubHarness,
    membership,
    numbers,
)
from tests.support.fakes.fake_clock import FakeClock
from tests.support.wait import until

from rustygpt_server.realtime.subscriber import Subscriber


def are_closing(*subscribers: Subscriber) -> list[bool]:
    """Return which streams have to end."""
    return [subscriber.close_frame is not None for subscriber in subscribers]


async def test_a_gap_is_filled_from_the_log() -> None:
    """An event that is not published is read after a moment."""
    clock = FakeClock()
    harness = HubHarness(clock=clock)
    subscriber = harness.live_subscriber()
    harness.log.add()
    harness.hub.publish(CONVERSATION_ID, [harness.log.add()])
    await asyncio.sleep(0)

    clock.advance(1)
    await until(lambda: harness.channel.position == 2)

    assert numbers(harness.queued_data(subscriber)) == [1, 2]


def test_streams_end_with_the_event_of_a_removal() -> None:
    """Streams that were authorized after the removal stay open."""
    harness = HubHarness()
    user_id = uuid4()
    old = harness.subscriber(user_id)
    new = harness.subscriber(user_id)
    other = harness.subscriber()
    new.subscriptions[0].authorize(1)
    harness.channel.start(0)

    harness.hub.publish(CONVERSATION_ID, [membership(1, user_id, "removed")])
    assert are_closing(old, new, other) == [True, False, False]
    harness.hub.publish(
        CONVERSATION_ID, [membership(2, user_id, "added"), membership(3, user_id, "removed")]
    )

    assert are_closing(old, new, other) == [True, True, False]


def test_a_private_frame_reaches_one_user() -> None:
    """Only the user's own streams get it."""
    harness = HubHarness()
    own = harness.live_subscriber()
    other = harness.live_subscriber()

    harness.hub.send_to_user(CONVERSATION_ID, own.identity.user_id, b"x")

    assert own.send_queue.pop_chunk() == b"x"
    assert other.send_queue.pop_chunk() == b""


def test_events_without_subscribers_are_not_kept() -> None:
    """A conversation without streams costs no memory."""
    harness = HubHarness()

    harness.hub.publish(CONVERSATION_ID, [harness.log.add()])
    harness.hub.broadcast(CONVERSATION_ID, b"x")

    assert harness.hub.statistics() == {
        "streams": 0,
        "conversations": 0,
        "ring_bytes": 0,
        "waiting_events": 0,
        "answers": 0,
    }


async def test_a_gap_is_filled_once_the_database_is_back() -> None:
    """While it is unavailable, reading is tried again and again."""
    clock = FakeClock()
    harness = HubHarness(clock=clock)
    subscriber = harness.live_subscriber()
    harness.log.unavailable = True
    harness.log.add()
    harness.hub.publish(CONVERSATION_ID, [harness.log.add()])
    for _ in range(5):
        await asyncio.sleep(0)
        clock.advance(1)
    assert harness.channel.position == 0
    harness.log.unavailable = False
    clock.advance(1)
    await until(lambda: harness.channel.position == 2)

    assert numbers(harness.queued_data(subscriber)) == [1, 2]


async def test_a_gap_that_was_pruned_resets_subscribers() -> None:
    """An event that the log does not have any more is not waited for."""
    clock = FakeClock()
    harness = HubHarness(clock=clock)
    subscriber = harness.live_subscriber()
    harness.log.add()
    late_event = harness.log.add()
    harness.log.oldest = 2
    harness.hub.publish(CONVERSATION_ID, [late_event])
    await asyncio.sleep(0)
    clock.advance(1)
    await until(lambda: harness.channel.position == 2)

    assert subscriber.subscriptions[0].reset_reason == "trimmed"


async def test_events_that_were_never_published_are_found() -> None:
    """When the result of a write is unknown, the log is compared."""
    clock = FakeClock()
    harness = HubHarness(clock=clock)
    subscriber = harness.live_subscriber()
    harness.log.add()
    harness.catch_up.schedule_check()
    await asyncio.sleep(0)
    clock.advance(1)
    await until(lambda: harness.channel.position == 1)

    assert numbers(harness.queued_data(subscriber)) == [1]


def test_the_hub_exposes_no_collaborators() -> None:
    """Other classes get the backplane, the registry and the rest in their own constructors."""
    public = [name for name in vars(HubHarness().hub) if not name.startswith("_")]

    assert public == []


async def test_a_listener_that_fails_does_not_stop_delivery() -> None:
    """Subscribers and the other listeners get the event all the same."""
    seen_numbers: list[int] = []
    harness = HubHarness()
    subscriber = harness.live_subscriber()

    def fail(_: object) -> None:
        raise ValueError("a mistake in the program")

    harness.hub.add_listener(fail)
    harness.hub.add_listener(lambda event: seen_numbers.append(event.number))
    harness.hub.publish(CONVERSATION_ID, [harness.log.add(), harness.log.add()])

    assert seen_numbers == [1, 2]
    assert numbers(harness.queued_data(subscriber)) == [1, 2]
