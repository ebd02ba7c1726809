"""A stream is brought up to date and goes live without losing or repeating an event."""

import asyncio
import random
from uuid import UUID

import pytest
from tests.support.components.backplanes import answer_delta
from tests.support.components.hub_harness import (
    CONVERSATION_ID,
    MemoryEventLog,
    follow,
    make_hub,
    membership,
)
from tests.support.wait import until

OTHER = UUID(int=8)


async def test_what_was_missed_is_sent_from_the_log() -> None:
    """Everything after the cursor comes in order, then live events."""
    log = MemoryEventLog()
    for _ in range(450):
        log.add()
    hub = make_hub(log)
    stream = follow(hub, log, "evt_20")
    await stream.wait_until_live()
    assert stream.numbers == list(range(21, 451))

    hub.publish(CONVERSATION_ID, [log.add()])
    await until(lambda: stream.numbers[-1] == 451)

    assert stream.sink.direct_writes == 1
    await stream.close()


async def test_a_reconnect_is_served_from_the_ring() -> None:
    """Recent events need no query."""
    log = MemoryEventLog()
    hub = make_hub(log)
    first = follow(hub, log)
    await first.wait_until_live()
    hub.publish(CONVERSATION_ID, [log.add() for _ in range(20)])
    await first.close()
    reads = log.reads

    again = follow(hub, log, "evt_5")
    await again.wait_until_live()

    assert again.numbers == list(range(6, 21))
    assert log.reads == reads
    await again.close()


async def test_one_turn_of_the_loop_is_one_piece_for_all() -> None:
    """What comes at once is joined once, and every reader is sent the same bytes."""
    log = MemoryEventLog()
    hub = make_hub(log)
    streams = [follow(hub, log) for _ in range(3)]
    for stream in streams:
        await stream.wait_until_live()

    hub.publish(CONVERSATION_ID, [log.add()])
    hub.broadcast(CONVERSATION_ID, b"event: x\ndata: {}\n\n")
    hub.publish(CONVERSATION_ID, [log.add()])
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
    log = MemoryEventLog()
    hub = make_hub(log, capacity=1_000)
    for _ in range(chance.randrange(300)):
        log.add()
    start = chance.randrange(len(log.events) + 1)
    if chance.random() < 0.5:
        hub.channel(CONVERSATION_ID).start(start)
    stream = follow(hub, log, f"evt_{start}")
    late = []
    for _ in range(100):
        late.append(log.add())
        if chance.random() < 0.4:
            chance.shuffle(late)
            hub.publish(CONVERSATION_ID, late)
            late = []
        if chance.random() < 0.1:
            stream.sink.set_full(not stream.sink.full)
        if chance.random() < 0.5:
            await asyncio.sleep(0)
    hub.publish(CONVERSATION_ID, [*late, *log.events])
    stream.sink.set_full(False)
    last = len(log.events)
    await until(lambda: last in stream.numbers)

    assert stream.numbers == list(range(start + 1, last + 1))
    await stream.close()


async def test_a_reader_may_know_more_than_its_process() -> None:
    """What it has loaded already is not told to it when the process catches up."""
    log = MemoryEventLog()
    hub = make_hub(log)
    hub.channel(CONVERSATION_ID).start(0)
    for _ in range(5):
        log.add()
    log.unavailable = True  # so that the process does not catch up by itself
    stream = follow(hub, log)
    await stream.wait_until_live()

    hub.publish(CONVERSATION_ID, [*log.events, log.add()])
    await stream.until(b"evt_6")

    assert stream.numbers == [6]
    await stream.close()


async def test_a_slow_reader_is_reset_and_goes_on() -> None:
    """When durable events would be lost, the reader is told where to go on, and does."""
    log = MemoryEventLog()
    hub = make_hub(log, capacity=8)
    stream = follow(hub, log)
    await stream.wait_until_live()
    stream.sink.set_full(True)
    hub.publish(CONVERSATION_ID, [log.add() for _ in range(20)])
    await asyncio.sleep(0)
    stream.sink.set_full(False)
    await stream.wait_until_live()
    hub.publish(CONVERSATION_ID, [log.add()])
    await stream.until(b"evt_21")

    assert b"id: evt_20\nevent: stream.reset" in stream.sink.data
    assert b'"reason":"overflow"' in stream.sink.data
    assert stream.numbers == [21]
    await stream.close()


class _Whole:
    """An answer in progress."""

    def __init__(self) -> None:
        self.message_id, self.conversation_id = UUID(int=1), CONVERSATION_ID

    def full_text_frame(self) -> bytes:
        return b"whole\n\n"


async def test_a_new_reader_gets_the_text_so_far() -> None:
    """Joining in the middle of an answer brings its whole text, after what was missed."""
    log = MemoryEventLog()
    log.add()
    hub = make_hub(log)
    hub.register_answer(_Whole())
    stream = follow(hub, log, "evt_0")
    await stream.wait_until_live()

    assert stream.numbers == [1]
    assert stream.sink.sent[-1] == b"whole\n\n"
    await stream.close()


async def test_a_reader_that_missed_deltas_gets_the_text_so_far() -> None:
    """Once it has caught up, the whole text comes instead of the lost pieces."""
    log = MemoryEventLog()
    hub = make_hub(log, capacity=8)
    stream = follow(hub, log)
    await stream.wait_until_live()
    answer = _Whole()
    hub.register_answer(answer)
    stream.sink.set_full(True)
    for number in range(5):
        hub.deliver_delta(answer_delta(number, "x"))
        hub.broadcast(CONVERSATION_ID, b"event: y\n\n")
    await asyncio.sleep(0)
    stream.sink.set_full(False)
    await stream.wait_until_live()

    assert stream.sink.data.count(b"message.delta\n") == 2
    assert stream.sink.data.endswith(b"event: y\n\n" * 4 + b"whole\n\n")
    await stream.close()


async def test_text_that_waits_is_joined() -> None:
    """A slow reader gets one delta where others got many."""
    log = MemoryEventLog()
    hub = make_hub(log, capacity=8)
    slow, swift = follow(hub, log), follow(hub, log)
    await slow.wait_until_live()
    await swift.wait_until_live()
    slow.sink.set_full(True)
    for number in range(50):
        hub.deliver_delta(answer_delta(number, "x"))
        await asyncio.sleep(0)
    slow.sink.set_full(False)
    await slow.wait_until_live()

    told = [stream.sink.data.count(b"event: message.delta") for stream in (swift, slow)]
    assert told[0] == 50
    assert told[1] == 2
    assert slow.sink.data.endswith(answer_delta(1, "x" * 49).frame())
    for stream in (slow, swift):
        await stream.close()


async def test_removal_ends_a_stream_that_is_still_catching_up() -> None:
    """Nothing is sent after the end was decided but the reason."""
    log = MemoryEventLog()
    for _ in range(450):
        log.add()
    hub = make_hub(log)
    stream = follow(hub, log, "evt_0")
    stream.sink.set_full(True)
    hub.publish(CONVERSATION_ID, [membership(451, stream.subscriber.identity.user_id, "removed")])
    stream.sink.set_full(False)
    await stream.task

    assert stream.sink.sent[-1].count(b'"reason":"removed"') == 1
    assert len(stream.sink.sent) == 2
    await stream.close()


async def test_a_removed_reader_sees_the_removal_and_nothing_after_it() -> None:
    """A live stream ends with the event that tells of it, though more came in the same turn."""
    log = MemoryEventLog()
    hub = make_hub(log)
    stream = follow(hub, log)
    await stream.wait_until_live()
    gone = membership(1, stream.subscriber.identity.user_id, "removed")
    log.events.append(gone)
    hub.publish(CONVERSATION_ID, [gone, log.add()])
    await stream.task

    assert stream.numbers == [1]
    assert b'"reason":"removed"' in stream.sink.sent[-1]
    await stream.close()


async def test_a_silent_stream_gets_a_heartbeat() -> None:
    """One that only gets what all get does too: the server below has to see it alive."""
    log = MemoryEventLog()
    hub = make_hub(log)
    stream = follow(hub, log)
    await stream.wait_until_live()
    stream.subscriber.tick()
    hub.publish(CONVERSATION_ID, [log.add()])
    await stream.until(b"evt_1")
    stream.subscriber.tick()
    await stream.until(b"\n\n:\n\n")

    await stream.close()


async def test_others_do_not_wait_for_a_reader_that_never_reads() -> None:
    """It costs a bounded queue; everybody else gets everything at once."""
    log = MemoryEventLog()
    hub = make_hub(log, capacity=8)
    deaf, swift = follow(hub, log), follow(hub, log)
    await deaf.wait_until_live()
    await swift.wait_until_live()
    deaf.sink.set_full(True)
    for number in range(1, 201):
        hub.publish(CONVERSATION_ID, [log.add()])
        await swift.until(f"id: evt_{number}\n".encode())

    assert swift.sink.direct_writes == 200
    assert len(deaf.subscriber.send_queue) <= 8
    await deaf.close()
    await swift.close()
