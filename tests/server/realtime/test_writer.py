"""A stream is brought up to date and goes live without losing or repeating an event."""

import asyncio
import random
from uuid import UUID

import pytest
from tests.support.ears import passage
from tests.support.event_log import (
    ROOM,
    ListLog,
    follow,
    make_hub,
    membership,
)
from tests.support.waiting import until

OTHER = UUID(int=8)


async def test_what_was_missed_is_sent_from_the_log() -> None:
    """Everything after the cursor comes in order, then live events."""
    log = ListLog()
    for _ in range(450):
        log.add()
    hub = make_hub(log)
    stream = follow(hub, log, "evt_20")
    await stream.live()
    assert stream.numbers == list(range(21, 451))

    hub.publish(ROOM, [log.add()])
    await until(lambda: stream.numbers[-1] == 451)

    assert stream.sink.direct == 1
    await stream.close()


async def test_a_reconnect_is_served_from_the_ring() -> None:
    """Recent events need no query."""
    log = ListLog()
    hub = make_hub(log)
    first = follow(hub, log)
    await first.live()
    hub.publish(ROOM, [log.add() for _ in range(20)])
    await first.close()
    reads = log.reads

    again = follow(hub, log, "evt_5")
    await again.live()

    assert again.numbers == list(range(6, 21))
    assert log.reads == reads
    await again.close()


async def test_one_turn_of_the_loop_is_one_piece_for_all() -> None:
    """What comes at once is joined once, and every reader is sent the same bytes."""
    log = ListLog()
    hub = make_hub(log)
    streams = [follow(hub, log) for _ in range(3)]
    for stream in streams:
        await stream.live()

    hub.publish(ROOM, [log.add()])
    hub.tell(ROOM, b"event: x\ndata: {}\n\n")
    hub.publish(ROOM, [log.add()])
    await streams[2].until(b"evt_2")

    pieces = [stream.sink.sent[-1] for stream in streams]
    assert [len(stream.sink.sent) for stream in streams] == [2, 2, 2]
    assert pieces[0] is pieces[1] is pieces[2]
    assert pieces[0].index(b"evt_1") < pieces[0].index(b"event: x") < pieces[0].index(b"evt_2")
    for stream in streams:
        await stream.close()


@pytest.mark.parametrize("seed", range(25))
async def test_no_interleaving_loses_or_repeats(seed: int) -> None:
    """Events that come at any moment of connecting arrive once, in order, whatever the pace."""
    chance = random.Random(seed)
    log = ListLog()
    hub = make_hub(log, capacity=1_000)
    for _ in range(chance.randrange(300)):
        log.add()
    start = chance.randrange(len(log.events) + 1)
    if chance.random() < 0.5:
        hub.channel(ROOM).start(start)
    stream = follow(hub, log, f"evt_{start}")
    late = []
    for _ in range(100):
        late.append(log.add())
        if chance.random() < 0.4:
            chance.shuffle(late)
            hub.publish(ROOM, late)
            late = []
        if chance.random() < 0.1:
            stream.sink.set_full(not stream.sink.full)
        if chance.random() < 0.5:
            await asyncio.sleep(0)
    hub.publish(ROOM, [*late, *log.events])
    stream.sink.set_full(False)
    last = len(log.events)
    await until(lambda: last in stream.numbers)

    assert stream.numbers == list(range(start + 1, last + 1))
    await stream.close()


async def test_a_reader_may_know_more_than_its_process() -> None:
    """What it has loaded already is not told to it when the process catches up."""
    log = ListLog()
    hub = make_hub(log)
    hub.channel(ROOM).start(0)
    for _ in range(5):
        log.add()
    log.away = True  # so that the process does not catch up by itself
    stream = follow(hub, log)
    await stream.live()

    hub.publish(ROOM, [*log.events, log.add()])
    await stream.until(b"evt_6")

    assert stream.numbers == [6]
    await stream.close()


async def test_a_slow_reader_is_reset_and_goes_on() -> None:
    """When durable events would be lost, the reader is told where to go on, and does."""
    log = ListLog()
    hub = make_hub(log, capacity=8)
    stream = follow(hub, log)
    await stream.live()
    stream.sink.set_full(True)
    hub.publish(ROOM, [log.add() for _ in range(20)])
    await asyncio.sleep(0)
    stream.sink.set_full(False)
    await stream.live()
    hub.publish(ROOM, [log.add()])
    await stream.until(b"evt_21")

    assert b"id: evt_20\nevent: stream.reset" in stream.sink.data
    assert b'"reason":"overflow"' in stream.sink.data
    assert stream.numbers == [21]
    await stream.close()


class _Whole:
    """An answer in progress."""

    def __init__(self) -> None:
        self.message_id, self.conversation_id = UUID(int=1), ROOM

    def whole(self) -> bytes:
        return b"whole\n\n"


async def test_a_new_reader_gets_the_text_so_far() -> None:
    """Joining in the middle of an answer brings its whole text, after what was missed."""
    log = ListLog()
    log.add()
    hub = make_hub(log)
    hub.begin(_Whole())
    stream = follow(hub, log, "evt_0")
    await stream.live()

    assert stream.numbers == [1]
    assert stream.sink.sent[-1] == b"whole\n\n"
    await stream.close()


async def test_a_reader_that_missed_deltas_gets_the_text_so_far() -> None:
    """Once it has caught up, the whole text comes instead of the lost pieces."""
    log = ListLog()
    hub = make_hub(log, capacity=8)
    stream = follow(hub, log)
    await stream.live()
    answer = _Whole()
    hub.begin(answer)
    stream.sink.set_full(True)
    for number in range(5):
        hub.tell_text(passage(number, "x"))
        hub.tell(ROOM, b"event: y\n\n")
    await asyncio.sleep(0)
    stream.sink.set_full(False)
    await stream.live()

    assert stream.sink.data.count(b"message.delta\n") == 2
    assert stream.sink.data.endswith(b"event: y\n\n" * 4 + b"whole\n\n")
    await stream.close()


async def test_text_that_waits_is_joined() -> None:
    """A slow reader gets one delta where others got many."""
    log = ListLog()
    hub = make_hub(log, capacity=8)
    slow, swift = follow(hub, log), follow(hub, log)
    await slow.live()
    await swift.live()
    slow.sink.set_full(True)
    for number in range(50):
        hub.tell_text(passage(number, "x"))
        await asyncio.sleep(0)
    slow.sink.set_full(False)
    await slow.live()

    told = [stream.sink.data.count(b"event: message.delta") for stream in (swift, slow)]
    assert told[0] == 50
    assert told[1] == 2
    assert slow.sink.data.endswith(passage(1, "x" * 49).frame())
    for stream in (slow, swift):
        await stream.close()


async def test_removal_ends_a_stream_that_is_still_catching_up() -> None:
    """Nothing is sent after the end was decided but the reason."""
    log = ListLog()
    for _ in range(450):
        log.add()
    hub = make_hub(log)
    stream = follow(hub, log, "evt_0")
    stream.sink.set_full(True)
    hub.publish(ROOM, [membership(451, stream.reader.identity.user_id, "removed")])
    stream.sink.set_full(False)
    await stream.task

    assert stream.sink.sent[-1].count(b'"reason":"removed"') == 1
    assert len(stream.sink.sent) == 2
    await stream.close()


async def test_a_removed_reader_sees_the_removal_and_nothing_after_it() -> None:
    """A live stream ends with the event that tells of it, though more came in the same turn."""
    log = ListLog()
    hub = make_hub(log)
    stream = follow(hub, log)
    await stream.live()
    gone = membership(1, stream.reader.identity.user_id, "removed")
    log.events.append(gone)
    hub.publish(ROOM, [gone, log.add()])
    await stream.task

    assert stream.numbers == [1]
    assert b'"reason":"removed"' in stream.sink.sent[-1]
    await stream.close()


async def test_a_silent_stream_gets_a_heartbeat() -> None:
    """One that only gets what all get does too: the server below has to see it alive."""
    log = ListLog()
    hub = make_hub(log)
    stream = follow(hub, log)
    await stream.live()
    stream.reader.beat()
    hub.publish(ROOM, [log.add()])
    await stream.until(b"evt_1")
    stream.reader.beat()
    await stream.until(b"\n\n:\n\n")

    await stream.close()


async def test_others_do_not_wait_for_a_reader_that_never_reads() -> None:
    """It costs a bounded queue; everybody else gets everything at once."""
    log = ListLog()
    hub = make_hub(log, capacity=8)
    deaf, swift = follow(hub, log), follow(hub, log)
    await deaf.live()
    await swift.live()
    deaf.sink.set_full(True)
    for number in range(1, 201):
        hub.publish(ROOM, [log.add()])
        await swift.until(f"id: evt_{number}\n".encode())

    assert swift.sink.direct == 200
    assert len(deaf.reader.outbox) <= 8
    await deaf.close()
    await swift.close()
