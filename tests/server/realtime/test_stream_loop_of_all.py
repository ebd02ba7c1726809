"""Streams of all conversations: one connection, many subscriptions."""

import asyncio
import re
from uuid import UUID

from tests.support.components.hub_harness import (
    CONVERSATION_ID,
    HubHarness,
    RunningStream,
    membership,
)
from tests.support.wait import until

from rustygpt_server.db.events import LogBounds
from rustygpt_server.db.rows import EventRecord
from rustygpt_server.realtime.registry import Revocation
from rustygpt_server.realtime.subscription import SubscriptionState

OTHER = UUID(int=8)
JOINED = UUID(int=9)


def follow_all(harness: HubHarness) -> RunningStream:
    """Open a stream of two conversations."""
    subscriber = harness.subscriber(all_conversations=True)
    open_frames = harness.starter.start_all(
        subscriber, {}, {CONVERSATION_ID: harness.log.bounds(), OTHER: LogBounds(0, 1)}
    )
    return RunningStream(harness, subscriber, open_frames)


def other_event(number: int) -> EventRecord:
    """Return an event of the other conversation."""
    return EventRecord(OTHER, number, "error", "{}")


def resets(stream: RunningStream) -> set[tuple[UUID, str]]:
    """Return the conversation and the reason of each reset that was sent."""
    matches = re.findall(
        r'"reason":"(\w+)","last_event_id":"\w+","conversation_id":"([^"]+)"',
        stream.sink.data.decode(),
    )
    return {(UUID(conversation_id), reason) for reason, conversation_id in matches}


async def block(stream: RunningStream) -> None:
    """Let the stream loop wait for its sink, so that all further frames are queued."""
    stream.sink.set_full(True)
    stream.harness.hub.send_to([stream.subscriber], b"event: held\n\n")
    await until(lambda: not len(stream.subscriber.send_queue))


async def overflow(stream: RunningStream) -> None:
    """Publish more events than may be queued, and then unblock the sink."""
    stream.harness.hub.publish(OTHER, [other_event(number) for number in range(1, 21)])
    await asyncio.sleep(0)  # channels flush at the end of this iteration of the event loop
    stream.sink.set_full(False)
    await stream.wait_until_live()


async def test_a_stream_of_all_conversations_has_no_id_lines() -> None:
    """The id of an event is in its data; a browser would resume by it in one conversation only."""
    harness = HubHarness()
    stream = follow_all(harness)
    await stream.wait_until_live()
    harness.hub.publish(CONVERSATION_ID, [harness.log.add()])
    await stream.until(b"evt_1")

    assert stream.sink.sent[-1].startswith(b'event: error\ndata: {"type":"error","id":"evt_1"')
    await stream.close()


async def test_a_stream_of_all_conversations_survives_a_removal() -> None:
    """It gets the removal and nothing of that conversation after it; others go on as before."""
    harness = HubHarness()
    stream = follow_all(harness)
    await stream.wait_until_live()
    removal = membership(1, stream.subscriber.identity.user_id, "removed")
    harness.log.events.append(removal)
    harness.hub.publish(CONVERSATION_ID, [removal, harness.log.add()])
    harness.hub.broadcast(OTHER, b"event: other\n\n")
    await stream.until(b"other")

    assert b'"id":"evt_1"' in stream.sink.data
    assert b"evt_2" not in stream.sink.data
    followed = [one.conversation_id for one in stream.subscriber.subscriptions]
    assert followed == [OTHER]
    await stream.close()


async def test_a_slow_stream_of_all_conversations_resets_what_it_lost() -> None:
    """The reset names the conversation; the other one is not reset."""
    harness = HubHarness()
    stream = follow_all(harness)
    await stream.wait_until_live()
    stream.sink.set_full(True)
    harness.hub.publish(CONVERSATION_ID, [harness.log.add() for _ in range(20)])
    await asyncio.sleep(0)
    stream.sink.set_full(False)
    await stream.wait_until_live()

    assert stream.sink.data.count(b"event: stream.reset") == 1
    assert f'"conversation_id":"{CONVERSATION_ID}"'.encode() in stream.sink.data
    await stream.close()


async def test_a_revocation_without_an_event_sends_a_reset() -> None:
    """The client reloads the conversation, and finds that it is gone."""
    harness = HubHarness()
    stream = follow_all(harness)
    await stream.wait_until_live()
    harness.hub.revoke(
        Revocation("removed", stream.subscriber.identity.user_id, None, CONVERSATION_ID)
    )
    await stream.until(b"stream.reset")

    assert f'"reason":"removed","last_event_id":"evt_0","conversation_id":"{CONVERSATION_ID}"' in (
        stream.sink.data.decode()
    )
    assert not stream.task.done()
    await stream.close()


async def test_a_removal_lost_by_an_overflow_is_announced_again() -> None:
    """The stream does not get back into the conversation: it gets nothing of it any more."""
    harness = HubHarness()
    stream = follow_all(harness)
    await stream.wait_until_live()
    await block(stream)
    removal = membership(1, stream.subscriber.identity.user_id, "removed")
    harness.log.events.append(removal)
    harness.hub.publish(CONVERSATION_ID, [removal])
    await overflow(stream)
    harness.hub.publish(CONVERSATION_ID, [harness.log.add()])
    harness.hub.broadcast(OTHER, b"event: other\n\n")
    await stream.until(b"other")

    assert b'{"type":"error","id":"evt_2"' not in stream.sink.data
    assert resets(stream) == {(OTHER, "overflow"), (CONVERSATION_ID, "removed")}
    await stream.close()


async def test_a_removal_replaces_a_reset_that_is_due() -> None:
    """The client gets the event of the removal."""
    harness = HubHarness()
    stream = follow_all(harness)
    await stream.wait_until_live()
    await block(stream)
    subscription = stream.subscriber.subscriptions[0]
    harness.hub.publish(CONVERSATION_ID, [harness.log.add() for _ in range(20)])
    await until(lambda: subscription.state is SubscriptionState.RESETTING)
    removal = membership(21, stream.subscriber.identity.user_id, "removed")
    harness.log.events.append(removal)
    harness.hub.publish(CONVERSATION_ID, [removal])
    stream.sink.set_full(False)
    await stream.wait_until_live()

    assert b'"id":"evt_21"' in stream.sink.data
    await stream.close()


async def test_a_join_lost_by_an_overflow_is_announced_by_a_reset() -> None:
    """The client loads the new conversation all the same."""
    harness = HubHarness()
    stream = follow_all(harness)
    await stream.wait_until_live()
    await block(stream)
    harness.starter.subscribe_joined(stream.subscriber.identity.user_id, JOINED, 0)
    await overflow(stream)

    assert (JOINED, "overflow") in resets(stream)
    assert stream.subscriber.next_pending() is None
    await stream.close()


async def test_a_join_that_does_not_fit_into_the_queue_is_announced_by_a_reset() -> None:
    """The frame of the join itself causes the overflow."""
    harness = HubHarness()
    stream = follow_all(harness)
    await stream.wait_until_live()
    await block(stream)
    for number in range(1, 17):
        harness.hub.publish(OTHER, [other_event(number)])
    await until(lambda: len(stream.subscriber.send_queue) == 16)
    harness.starter.subscribe_joined(stream.subscriber.identity.user_id, JOINED, 0)

    joined = stream.subscriber.subscription_to(JOINED)
    assert joined is not None
    assert joined.state is SubscriptionState.RESETTING
    stream.sink.set_full(False)
    await stream.wait_until_live()
    assert (JOINED, "overflow") in resets(stream)
    assert stream.sink.data.count(f'"conversation_id":"{JOINED}"'.encode()) == 1
    await stream.close()
