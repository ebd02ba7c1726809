"""A stream catches up and turns live without losing or repeating an event."""

import asyncio
import random
from uuid import UUID

import pytest
from tests.support.components.backplanes import answer_delta
from tests.support.components.hub_harness import CONVERSATION_ID, HubHarness, membership
from tests.support.wait import until


class FixedAnswer:
    """An answer in progress with a fixed text."""

    def __init__(self) -> None:
        self.message_id = UUID(int=1)
        self.conversation_id = CONVERSATION_ID

    def full_text_frame(self) -> bytes:
        """Return the text so far."""
        return b"full text\n\n"

    def status_frame(self) -> bytes:
        """Return the present state."""
        return b"state\n\n"


async def test_missed_events_are_sent_from_the_log() -> None:
    """All events after the cursor come in order, then live events."""
    harness = HubHarness()
    for _ in range(450):
        harness.log.add()
    stream = harness.follow("evt_20")
    await stream.wait_until_live()
    assert stream.numbers == list(range(21, 451))

    harness.hub.publish(CONVERSATION_ID, [harness.log.add()])
    await until(lambda: stream.numbers[-1] == 451)

    assert stream.sink.direct_writes == 1
    await stream.close()


async def test_a_reconnect_is_served_from_the_ring() -> None:
    """Recent events need no query."""
    harness = HubHarness()
    first = harness.follow()
    await first.wait_until_live()
    harness.hub.publish(CONVERSATION_ID, [harness.log.add() for _ in range(20)])
    await first.close()
    reads = harness.log.reads

    second = harness.follow("evt_5")
    await second.wait_until_live()

    assert second.numbers == list(range(6, 21))
    assert harness.log.reads == reads
    await second.close()


async def test_frames_of_one_event_loop_iteration_are_joined_once() -> None:
    """Every subscriber is sent the same bytes object."""
    harness = HubHarness()
    streams = [harness.follow() for _ in range(3)]
    for stream in streams:
        await stream.wait_until_live()

    harness.hub.publish(CONVERSATION_ID, [harness.log.add()])
    harness.hub.broadcast(CONVERSATION_ID, b"event: x\ndata: {}\n\n")
    harness.hub.publish(CONVERSATION_ID, [harness.log.add()])
    await streams[2].until(b"evt_2")

    chunks = [stream.sink.sent[-1] for stream in streams]
    assert [len(stream.sink.sent) for stream in streams] == [2, 2, 2]
    assert chunks[0] is chunks[1] is chunks[2]
    assert chunks[0].index(b"evt_1") < chunks[0].index(b"event: x") < chunks[0].index(b"evt_2")
    for stream in streams:
        await stream.close()


@pytest.mark.parametrize("seed", range(25))
async def test_no_interleaving_loses_or_repeats_an_event(seed: int) -> None:
    """Events that come at any moment of opening arrive once and in order, at any pace."""
    chance = random.Random(seed)
    harness = HubHarness(capacity=1_000)
    log = harness.log
    for _ in range(chance.randrange(300)):
        log.add()
    start = chance.randrange(len(log.events) + 1)
    if chance.random() < 0.5:
        harness.channel.start(start)
    stream = harness.follow(f"evt_{start}")
    unpublished = []
    for _ in range(100):
        unpublished.append(log.add())
        if chance.random() < 0.4:
            chance.shuffle(unpublished)
            harness.hub.publish(CONVERSATION_ID, unpublished)
            unpublished = []
        if chance.random() < 0.1:
            stream.sink.set_full(not stream.sink.is_full)
        if chance.random() < 0.5:
            await asyncio.sleep(0)
    harness.hub.publish(CONVERSATION_ID, [*unpublished, *log.events])
    stream.sink.set_full(False)
    last = len(log.events)
    await until(lambda: last in stream.numbers)

    assert stream.numbers == list(range(start + 1, last + 1))
    await stream.close()


async def test_events_that_a_client_has_seen_are_not_sent_when_the_process_catches_up() -> None:
    """A client may know more than the process that it connects to."""
    harness = HubHarness()
    harness.channel.start(0)
    for _ in range(5):
        harness.log.add()
    harness.log.unavailable = True  # so that the process does not catch up from the log
    stream = harness.follow()
    await stream.wait_until_live()

    harness.hub.publish(CONVERSATION_ID, [*harness.log.events, harness.log.add()])
    await stream.until(b"evt_6")

    assert stream.numbers == [6]
    await stream.close()


async def test_a_slow_stream_is_reset_and_goes_on() -> None:
    """When durable events would be lost, the client gets a reset, and live events after it."""
    harness = HubHarness(capacity=8)
    stream = harness.follow()
    await stream.wait_until_live()
    stream.sink.set_full(True)
    harness.hub.publish(CONVERSATION_ID, [harness.log.add() for _ in range(20)])
    await asyncio.sleep(0)
    stream.sink.set_full(False)
    await stream.wait_until_live()
    harness.hub.publish(CONVERSATION_ID, [harness.log.add()])
    await stream.until(b"evt_21")

    assert b"id: evt_20\nevent: stream.reset" in stream.sink.data
    assert b'"reason":"overflow"' in stream.sink.data
    assert stream.numbers == [21]
    await stream.close()


async def test_a_new_stream_gets_the_text_so_far() -> None:
    """The state and the full text of an answer in progress follow the missed events."""
    harness = HubHarness()
    harness.log.add()
    harness.hub.register_answer(FixedAnswer())
    stream = harness.follow("evt_0")
    await stream.wait_until_live()

    assert stream.numbers == [1]
    assert stream.sink.data.endswith(b"state\n\nfull text\n\n")
    await stream.close()


async def test_a_stream_that_lost_deltas_gets_the_text_so_far() -> None:
    """Once its queue is empty, state and full text come instead of the lost deltas."""
    harness = HubHarness(capacity=8)
    stream = harness.follow()
    await stream.wait_until_live()
    harness.hub.register_answer(FixedAnswer())
    stream.sink.set_full(True)
    for offset in range(5):
        harness.hub.deliver_delta(answer_delta(offset, "x"))
        harness.hub.broadcast(CONVERSATION_ID, b"event: y\n\n")
    await asyncio.sleep(0)
    stream.sink.set_full(False)
    await stream.wait_until_live()

    assert stream.sink.data.count(b"message.delta\n") == 2
    assert stream.sink.data.endswith(b"event: y\n\n" * 4 + b"state\n\nfull text\n\n")
    await stream.close()


async def test_queued_deltas_are_merged() -> None:
    """A slow stream gets one delta where others got many."""
    harness = HubHarness(capacity=8)
    slow = harness.follow()
    fast = harness.follow()
    await slow.wait_until_live()
    await fast.wait_until_live()
    slow.sink.set_full(True)
    for offset in range(50):
        harness.hub.deliver_delta(answer_delta(offset, "x"))
        await asyncio.sleep(0)
    slow.sink.set_full(False)
    await slow.wait_until_live()

    assert fast.sink.data.count(b"event: message.delta") == 50
    assert slow.sink.data.count(b"event: message.delta") == 2
    assert slow.sink.data.endswith(answer_delta(1, "x" * 49).frame())
    for stream in (slow, fast):
        await stream.close()


async def test_a_removal_ends_a_stream_that_catches_up() -> None:
    """Only the last frame, with the reason, is sent after the removal."""
    harness = HubHarness()
    for _ in range(450):
        harness.log.add()
    stream = harness.follow("evt_0")
    stream.sink.set_full(True)
    user_id = stream.subscriber.identity.user_id
    harness.hub.publish(CONVERSATION_ID, [membership(451, user_id, "removed")])
    stream.sink.set_full(False)
    await stream.task

    assert stream.sink.sent[-1].count(b'"reason":"removed"') == 1
    assert len(stream.sink.sent) == 2
    await stream.close()


async def test_a_removed_user_gets_the_removal_and_nothing_after_it() -> None:
    """Even if more events came in the same iteration of the event loop."""
    harness = HubHarness()
    stream = harness.follow()
    await stream.wait_until_live()
    removal = membership(1, stream.subscriber.identity.user_id, "removed")
    harness.log.events.append(removal)
    harness.hub.publish(CONVERSATION_ID, [removal, harness.log.add()])
    await stream.task

    assert stream.numbers == [1]
    assert b'"reason":"removed"' in stream.sink.sent[-1]
    await stream.close()


async def test_a_stream_with_direct_writes_only_gets_a_keepalive() -> None:
    """Direct writes do not reset the inactivity timer of the HTTP server."""
    harness = HubHarness()
    stream = harness.follow()
    await stream.wait_until_live()
    stream.subscriber.tick()
    harness.hub.publish(CONVERSATION_ID, [harness.log.add()])
    await stream.until(b"evt_1")
    stream.subscriber.tick()
    await stream.until(b"\n\n:\n\n")

    await stream.close()


async def test_a_blocked_stream_does_not_delay_others() -> None:
    """It costs a bounded queue; all others get every event at once."""
    harness = HubHarness(capacity=8)
    blocked = harness.follow()
    fast = harness.follow()
    await blocked.wait_until_live()
    await fast.wait_until_live()
    blocked.sink.set_full(True)
    for number in range(1, 201):
        harness.hub.publish(CONVERSATION_ID, [harness.log.add()])
        await fast.until(f"id: evt_{number}\n".encode())

    assert fast.sink.direct_writes == 200
    assert len(blocked.subscriber.send_queue) <= 8
    await blocked.close()
    await fast.close()
