"""Streams of all conversations: one connection, many seats."""

import asyncio
from uuid import UUID

from tests.support.event_log import ROOM, Following, ListLog, make_hub, make_reader, membership

from rustygpt_server.db.feeds import Opening
from rustygpt_server.realtime import resume
from rustygpt_server.realtime.streams import Ending

OTHER = UUID(int=8)


def _follow_all(log: ListLog) -> Following:
    hub = make_hub(log)
    reader = make_reader(hub, whole=True)
    opening = resume.begin_all(hub, reader, None, {ROOM: log.opening(), OTHER: Opening(0, 1)})
    return Following(hub, reader, opening)


async def test_a_stream_of_all_has_no_id_lines() -> None:
    """An event's own id is in its data; a browser's resume point would be of one conversation."""
    log = ListLog()
    stream = _follow_all(log)
    await stream.live()
    stream.hub.publish(ROOM, [log.add()])
    await stream.until(b"evt_1")

    assert stream.sink.sent[-1].startswith(b'event: error\ndata: {"type":"error","id":"evt_1"')
    await stream.close()


async def test_a_stream_of_all_goes_on_without_a_lost_conversation() -> None:
    """It sees the removal, nothing of that conversation after it, and the others as before."""
    log = ListLog()
    stream = _follow_all(log)
    await stream.live()
    gone = membership(1, stream.reader.identity.user_id, "removed")
    log.events.append(gone)
    stream.hub.publish(ROOM, [gone, log.add()])
    stream.hub.tell(OTHER, b"event: other\n\n")
    await stream.until(b"other")

    assert b'"id":"evt_1"' in stream.sink.data
    assert b"evt_2" not in stream.sink.data
    assert [seat.conversation_id for seat in stream.reader.seats] == [OTHER]
    await stream.close()


async def test_a_slow_stream_of_all_loads_anew_what_it_lost() -> None:
    """The reset names the conversation; the other one goes on without."""
    log = ListLog()
    stream = _follow_all(log)
    await stream.live()
    stream.sink.set_full(True)
    stream.hub.publish(ROOM, [log.add() for _ in range(20)])
    await asyncio.sleep(0)
    stream.sink.set_full(False)
    await stream.live()

    assert stream.sink.data.count(b"event: stream.reset") == 1
    assert f'"conversation_id":"{ROOM}"'.encode() in stream.sink.data
    await stream.close()


async def test_a_right_that_is_over_without_an_event_is_told() -> None:
    """The client loads the conversation that it lost, and learns that it is not there."""
    log = ListLog()
    stream = _follow_all(log)
    await stream.live()
    stream.hub.end(Ending("removed", stream.reader.identity.user_id, None, ROOM))
    await stream.until(b"stream.reset")

    assert f'"reason":"removed","last_event_id":"evt_0","conversation_id":"{ROOM}"' in (
        stream.sink.data.decode()
    )
    assert not stream.task.done()
    await stream.close()
