"""Channels are opened on demand and evicted when they are idle."""

from tests.support.components.hub_harness import CONVERSATION_ID, HubHarness
from tests.support.fakes.fake_clock import FakeClock


def test_idle_conversations_are_evicted() -> None:
    """Some time after the last stream left, the recent events are dropped."""
    clock = FakeClock()
    harness = HubHarness(clock=clock)
    subscriber = harness.subscriber()
    harness.channel.start(0)
    harness.hub.unregister(subscriber)

    harness.channels.evict_idle()
    assert harness.hub.statistics()["conversations"] == 1
    clock.advance(harness.limits.ring_idle)
    harness.channels.evict_idle()

    assert harness.hub.statistics()["conversations"] == 0


def test_a_stream_that_comes_back_keeps_the_channel() -> None:
    """The time without streams starts again with the next last one."""
    clock = FakeClock()
    harness = HubHarness(clock=clock)
    subscriber = harness.subscriber()
    harness.channel.start(0)
    harness.hub.unregister(subscriber)
    clock.advance(harness.limits.ring_idle)
    harness.subscriber()
    harness.channels.evict_idle()

    assert harness.channels.get(CONVERSATION_ID) is not None


def test_a_channel_that_was_never_started_is_dropped_at_once() -> None:
    """The only stream was not authorized."""
    harness = HubHarness()
    harness.hub.unregister(harness.subscriber())

    assert harness.channels.get(CONVERSATION_ID) is None
