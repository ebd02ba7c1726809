"""Channels are brought up to the end of the log, whatever they miss."""

import asyncio
from uuid import UUID

from tests.support.components.hub_harness import CONVERSATION_ID, HubHarness, numbers
from tests.support.fakes.fake_clock import FakeClock
from tests.support.wait import until


async def test_a_position_of_another_process_is_reached() -> None:
    """However far: page by page, in order, each event once."""
    harness = HubHarness(capacity=1_000)
    subscriber = harness.live_subscriber()
    for _ in range(333):
        harness.log.add()
    harness.catch_up.advance(CONVERSATION_ID, 333)
    assert harness.catch_up.is_behind(CONVERSATION_ID)
    await until(lambda: not harness.catch_up.is_behind(CONVERSATION_ID))

    assert numbers(harness.queued_data(subscriber)) == list(range(1, 334))
    assert harness.channel.position == 333


async def test_a_burst_of_positions_needs_one_read() -> None:
    """Positions that arrive while the log is read start no further task."""
    harness = HubHarness(capacity=1_000)
    subscriber = harness.live_subscriber()
    for _ in range(20):
        harness.log.add()
        harness.catch_up.advance(CONVERSATION_ID, len(harness.log.events))
    await until(lambda: not harness.catch_up.is_behind(CONVERSATION_ID))

    assert numbers(harness.queued_data(subscriber)) == list(range(1, 21))
    assert harness.log.reads == 1


async def test_positions_of_conversations_without_streams_are_ignored() -> None:
    """The log is not read for them."""
    harness = HubHarness()
    harness.live_subscriber()
    harness.catch_up.advance(UUID(int=99), 5)
    await asyncio.sleep(0)

    assert harness.log.reads == 0


async def test_a_position_received_while_a_stream_opens_is_reached() -> None:
    """It counts as soon as the channel has a position."""
    harness = HubHarness()
    harness.subscriber()
    harness.log.add()
    harness.log.add()
    harness.catch_up.advance(CONVERSATION_ID, 2)
    harness.channel.start(1)
    harness.catch_up.advance(CONVERSATION_ID, 1)
    await until(lambda: harness.channel.position == 2)


async def test_events_that_were_pruned_reset_subscribers() -> None:
    """The process was disconnected for longer than the log reaches back."""
    harness = HubHarness(capacity=1_000)
    subscriber = harness.live_subscriber()
    for _ in range(30):
        harness.log.add()
    harness.log.oldest = 25
    harness.catch_up.advance(CONVERSATION_ID, 30)
    await until(lambda: not harness.catch_up.is_behind(CONVERSATION_ID))

    assert harness.channel.position == 30
    assert subscriber.subscriptions[0].reset_reason == "trimmed"
    harness.log.oldest = 99
    harness.log.add()
    harness.catch_up.advance(CONVERSATION_ID, 31)
    await until(lambda: harness.channel.position == 31)


async def test_a_false_position_does_no_harm() -> None:
    """Events up to the end of the log are delivered, and later ones, too."""
    harness = HubHarness(capacity=1_000)
    subscriber = harness.live_subscriber()
    harness.log.add()
    harness.catch_up.advance(CONVERSATION_ID, 1 << 62)
    await until(lambda: not harness.catch_up.is_behind(CONVERSATION_ID))
    harness.hub.publish(CONVERSATION_ID, [harness.log.add()])

    assert harness.channel.position == 2
    assert numbers(harness.queued_data(subscriber)) == [1, 2]


async def test_an_unavailable_log_is_read_again() -> None:
    """No position is forgotten, and comparing positions meanwhile does no harm."""
    clock = FakeClock()
    harness = HubHarness(clock=clock)
    harness.live_subscriber()
    harness.log.add()
    harness.log.unavailable = True
    harness.catch_up.advance(CONVERSATION_ID, 1)
    harness.catch_up.schedule_check()
    for _ in range(3):
        await asyncio.sleep(0.001)
        clock.advance(1)
    assert harness.channel.position == 0
    harness.log.unavailable = False
    clock.advance(1)
    await until(lambda: harness.channel.position == 1)
    await harness.catch_up.stop()


async def test_a_log_that_went_back_resets_subscribers() -> None:
    """A database that was restored from a backup gives numbers a second time."""
    harness = HubHarness(capacity=1_000)
    subscriber = harness.live_subscriber()
    harness.hub.publish(CONVERSATION_ID, [harness.log.add() for _ in range(20)])
    harness.queued_data(subscriber)
    del harness.log.events[5:]
    await harness.catch_up.check()
    assert harness.channel.position == 5
    assert subscriber.subscriptions[0].reset_reason == "trimmed"
    harness.hub.publish(CONVERSATION_ID, [harness.log.add()])

    assert harness.channel.position == 6


async def test_a_log_that_went_back_resets_subscriptions_that_catch_up() -> None:
    """They have seen events whose numbers others get; no authorization is newer than the log."""
    harness = HubHarness(capacity=1_000)
    harness.live_subscriber()
    harness.hub.publish(CONVERSATION_ID, [harness.log.add() for _ in range(300)])
    stream = harness.follow("evt_290")
    subscription = stream.subscriber.subscriptions[0]
    stream.sink.set_full(True)
    await until(lambda: subscription.cursor == 300)  # its page is being sent: it is not live yet
    subscription.authorize(300)

    del harness.log.events[50:]
    harness.catch_up.schedule_check()
    await until(lambda: harness.channel.position == 50)
    harness.hub.publish(CONVERSATION_ID, [harness.log.add() for _ in range(251)])
    stream.sink.set_full(False)
    await stream.wait_until_live()

    assert b'"reason":"trimmed"' in stream.sink.data
    assert subscription.authorized_at == 50
    await stream.close()
