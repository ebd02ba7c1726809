"""Streams of all conversations: one connection, many seats."""

import asyncio
import re
from uuid import UUID

from tests.support.components.hub_harness import (
    CONVERSATION_ID,
    MemoryEventLog,
    RunningStream,
    make_hub,
    make_subscriber,
    membership,
)
from tests.support.wait import until

from rustygpt_server.db.events import LogBounds
from rustygpt_server.db.rows import EventRecord
from rustygpt_server.realtime import resume
from rustygpt_server.realtime.registry import Revocation

OTHER = UUID(int=8)


def _follow_all(log: MemoryEventLog) -> RunningStream:
    hub = make_hub(log)
    reader = make_subscriber(hub, all_conversations=True)
    opening = resume.start_subscriptions(
        hub, reader, None, {CONVERSATION_ID: log.bounds(), OTHER: LogBounds(0, 1)}
    )
    return RunningStream(hub, reader, opening)


async def test_a_stream_of_all_has_no_id_lines() -> None:
    """An event's own id is in its data; a browser's resume point would be of one conversation."""
    log = MemoryEventLog()
    stream = _follow_all(log)
    await stream.wait_until_live()
    stream.hub.publish(CONVERSATION_ID, [log.add()])
    await stream.until(b"evt_1")

    assert stream.sink.sent[-1].startswith(b'event: error\ndata: {"type":"error","id":"evt_1"')
    await stream.close()


async def test_a_stream_of_all_goes_on_without_a_lost_conversation() -> None:
    """It sees the removal, nothing of that conversation after it, and the others as before."""
    log = MemoryEventLog()
    stream = _follow_all(log)
    await stream.wait_until_live()
    gone = membership(1, stream.subscriber.identity.user_id, "removed")
    log.events.append(gone)
    stream.hub.publish(CONVERSATION_ID, [gone, log.add()])
    stream.hub.broadcast(OTHER, b"event: other\n\n")
    await stream.until(b"other")

    assert b'"id":"evt_1"' in stream.sink.data
    assert b"evt_2" not in stream.sink.data
    assert [seat.conversation_id for seat in stream.subscriber.subscriptions] == [OTHER]
    await stream.close()


async def test_a_slow_stream_of_all_loads_anew_what_it_lost() -> None:
    """The reset names the conversation; the other one goes on without."""
    log = MemoryEventLog()
    stream = _follow_all(log)
    await stream.wait_until_live()
    stream.sink.set_full(True)
    stream.hub.publish(CONVERSATION_ID, [log.add() for _ in range(20)])
    await asyncio.sleep(0)
    stream.sink.set_full(False)
    await stream.wait_until_live()

    assert stream.sink.data.count(b"event: stream.reset") == 1
    assert f'"conversation_id":"{CONVERSATION_ID}"'.encode() in stream.sink.data
    await stream.close()


async def test_a_right_that_is_over_without_an_event_is_told() -> None:
    """The client loads the conversation that it lost, and learns that it is not there."""
    log = MemoryEventLog()
    stream = _follow_all(log)
    await stream.wait_until_live()
    stream.hub.revoke(
        Revocation("removed", stream.subscriber.identity.user_id, None, CONVERSATION_ID)
    )
    await stream.until(b"stream.reset")

    assert f'"reason":"removed","last_event_id":"evt_0","conversation_id":"{CONVERSATION_ID}"' in (
        stream.sink.data.decode()
    )
    assert not stream.task.done()
    await stream.close()


async def _hold_up(stream: RunningStream) -> None:
    """Let the writer wait for its connection, so that what comes now stays in the queue."""
    stream.sink.set_full(True)
    stream.hub.send_to([stream.subscriber], b"event: held\n\n")
    await until(lambda: not len(stream.subscriber.send_queue))


async def _overflow(stream: RunningStream) -> None:
    """Let more come than may wait, and then let the connection take it."""
    stream.hub.publish(OTHER, [EventRecord(OTHER, n, "error", "{}") for n in range(1, 21)])
    await asyncio.sleep(0)  # the turn in which what has come is handed on
    stream.sink.set_full(False)
    await stream.wait_until_live()


async def test_a_slow_stream_does_not_get_back_into_a_lost_conversation() -> None:
    """What waited of it is lost with the rest; it is told that it is out, and nothing further."""
    log = MemoryEventLog()
    stream = _follow_all(log)
    await stream.wait_until_live()
    await _hold_up(stream)
    gone = membership(1, stream.subscriber.identity.user_id, "removed")
    log.events.append(gone)
    stream.hub.publish(CONVERSATION_ID, [gone])
    await _overflow(stream)
    stream.hub.publish(CONVERSATION_ID, [log.add()])
    stream.hub.broadcast(OTHER, b"event: other\n\n")
    await stream.until(b"other")

    assert b'{"type":"error","id":"evt_2"' not in stream.sink.data
    assert _resets(stream) == {(OTHER, "overflow"), (CONVERSATION_ID, "removed")}
    await stream.close()


async def test_a_stream_that_has_to_load_anew_hears_that_it_is_out() -> None:
    """The removal comes before the reset was sent, and takes its place."""
    log = MemoryEventLog()
    stream = _follow_all(log)
    await stream.wait_until_live()
    await _hold_up(stream)
    stream.hub.publish(CONVERSATION_ID, [log.add() for _ in range(20)])
    await until(lambda: stream.subscriber.subscriptions[0].reset_reason is not None)
    gone = membership(21, stream.subscriber.identity.user_id, "removed")
    log.events.append(gone)
    stream.hub.publish(CONVERSATION_ID, [gone])
    stream.sink.set_full(False)
    await stream.wait_until_live()

    assert b'"id":"evt_21"' in stream.sink.data
    await stream.close()


async def test_a_slow_stream_hears_of_a_conversation_that_was_joined() -> None:
    """Where that is lost with what waits, it is told to load that conversation all the same."""
    stream = _follow_all(MemoryEventLog())
    await stream.wait_until_live()
    await _hold_up(stream)
    joined = UUID(int=9)
    resume.subscribe_joined(stream.hub, stream.subscriber.identity.user_id, joined, 0)
    await _overflow(stream)

    assert (joined, "overflow") in _resets(stream)
    assert not stream.subscriber.pending
    await stream.close()


async def test_a_stream_without_room_hears_of_a_conversation_that_was_joined() -> None:
    """The news itself is what does not fit."""
    stream = _follow_all(MemoryEventLog())
    await stream.wait_until_live()
    await _hold_up(stream)
    for n in range(1, 17):
        stream.hub.publish(OTHER, [EventRecord(OTHER, n, "error", "{}")])
    await until(lambda: len(stream.subscriber.send_queue) == 16)
    joined = UUID(int=9)
    resume.subscribe_joined(stream.hub, stream.subscriber.identity.user_id, joined, 0)

    assert [seat.conversation_id for seat in stream.subscriber.pending].count(joined) == 1
    stream.sink.set_full(False)
    await stream.wait_until_live()
    assert (joined, "overflow") in _resets(stream)
    await stream.close()


def _resets(stream: RunningStream) -> set[tuple[UUID, str]]:
    told = re.findall(
        r'"reason":"(\w+)","last_event_id":"\w+","conversation_id":"([^"]+)"',
        stream.sink.data.decode(),
    )
    return {(UUID(room), reason) for reason, room in told}
