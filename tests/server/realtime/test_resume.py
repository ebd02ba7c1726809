"""A stream is brought up to date and goes live without losing or repeating an event."""

import asyncio
import random
from collections.abc import AsyncGenerator
from uuid import UUID

import pytest
from tests.support.event_log import (
    ROOM,
    ListLog,
    make_hub,
    make_reader,
    membership,
    numbers,
)

from rustygpt_server.db.feeds import Opening
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.outbox import Kind
from rustygpt_server.realtime.reader import Reader
from rustygpt_server.realtime.resume import Start, start_at, stream


async def _next(pieces: AsyncGenerator[bytes, None]) -> bytes:
    async with asyncio.timeout(20):
        return await anext(pieces)


async def _read_until(pieces: AsyncGenerator[bytes, None], last: int) -> list[int]:
    seen: list[int] = []
    while last not in seen:
        seen += numbers(await _next(pieces))
    return seen


def _open(hub: Hub, log: ListLog, seen: str | None) -> tuple[Reader, AsyncGenerator[bytes, None]]:
    reader = make_reader(hub)
    opening = log.opening()
    return reader, stream(hub, reader, start_at(seen, opening, 512), opening)


@pytest.mark.parametrize(
    ("seen", "start"),
    [
        (None, Start(100, None)),
        ("", Start(100, None)),
        ("evt_100", Start(100, None)),
        ("evt_60", Start(60, None)),
        ("evt_49", Start(49, None)),
        ("evt_48", Start(100, "trimmed")),
        ("evt_101", Start(100, "unknown")),
        ("evt_99999999999999999999999", Start(100, "unknown")),
        ("nonsense\x00", Start(100, "unknown")),
        ("evt_-1", Start(100, "unknown")),
    ],
)
def test_where_a_stream_starts(seen: str | None, start: Start) -> None:
    """A good id resumes, any other is answered by a reset and never by an error."""
    assert start_at(seen, Opening(100, 50), 51) == start


def test_a_reader_too_far_behind_starts_anew() -> None:
    """Beyond the allowed backfill, loading is cheaper than replaying."""
    assert start_at("evt_0", Opening(100, 1), 99) == Start(100, "too_far")


async def test_the_first_piece_opens_the_stream() -> None:
    """A retry line and stream.open, whose id line is the position."""
    log = ListLog()
    log.add()
    _, pieces = _open(make_hub(log), log, None)

    first = await _next(pieces)

    assert first.startswith(b"retry: 1000\n\nid: evt_1\nevent: stream.open\n")
    await pieces.aclose()


async def test_a_reset_follows_the_opening() -> None:
    """What cannot be resumed is told at once, with the place to go on from."""
    log = ListLog()
    log.add()
    _, pieces = _open(make_hub(log), log, "evt_9")

    first = await _next(pieces)

    assert b'id: evt_1\nevent: stream.reset\ndata: {"type":"stream.reset"' in first
    assert b'"reason":"unknown"' in first
    await pieces.aclose()


async def test_what_was_missed_is_sent_from_the_log() -> None:
    """Everything after the cursor comes in order, then live events."""
    log = ListLog()
    for _ in range(450):
        log.add()
    hub = make_hub(log)
    _, pieces = _open(hub, log, "evt_20")
    seen = await _read_until(pieces, 450)

    waiting = asyncio.ensure_future(_next(pieces))
    await asyncio.sleep(0)
    hub.publish(ROOM, [log.add()])

    assert seen == list(range(21, 451))
    assert numbers(await waiting) == [451]
    await pieces.aclose()


async def test_a_reconnect_is_served_from_the_ring() -> None:
    """Recent events need no query."""
    log = ListLog()
    hub = make_hub(log)
    _, pieces = _open(hub, log, None)
    await _next(pieces)
    hub.publish(ROOM, [log.add() for _ in range(20)])
    await pieces.aclose()

    reads = log.reads
    _, again = _open(hub, log, "evt_5")

    assert await _read_until(again, 20) == list(range(6, 21))
    assert log.reads == reads
    await again.aclose()


@pytest.mark.parametrize("seed", range(25))
async def test_no_interleaving_loses_or_repeats(seed: int) -> None:
    """Events that come at any moment of connecting arrive once, in order."""
    chance = random.Random(seed)
    log = ListLog()
    hub = make_hub(log, capacity=1_000)
    for _ in range(chance.randrange(300)):
        log.add()
    start = chance.randrange(len(log.events) + 1)
    if chance.random() < 0.5:
        hub.channel(ROOM).start(start)
    _, pieces = _open(hub, log, f"evt_{start}")
    done = asyncio.Event()

    async def write() -> None:
        late = []
        for _ in range(100):
            late.append(log.add())
            if chance.random() < 0.4:
                chance.shuffle(late)
                hub.publish(ROOM, late)
                late = []
            if chance.random() < 0.5:
                await asyncio.sleep(0)
        hub.publish(ROOM, [*late, *log.events])
        done.set()

    writer = asyncio.create_task(write())
    last = len(log.events) + 100
    seen = await _read_until(pieces, last)
    await writer

    assert seen == list(range(start + 1, last + 1))
    await pieces.aclose()


async def test_a_slow_reader_is_reset_and_goes_on() -> None:
    """When durable events would be lost, the reader is told where to go on, and does."""
    log = ListLog()
    hub = make_hub(log, capacity=8)
    _, pieces = _open(hub, log, None)
    await _next(pieces)
    waiting = asyncio.ensure_future(_next(pieces))
    await asyncio.sleep(0)

    hub.publish(ROOM, [log.add() for _ in range(20)])
    reset = await waiting
    waiting = asyncio.ensure_future(_next(pieces))
    await asyncio.sleep(0)
    hub.publish(ROOM, [log.add()])

    assert b"id: evt_20\nevent: stream.reset" in reset
    assert b'"reason":"overflow"' in reset
    assert numbers(await waiting) == [21]
    await pieces.aclose()


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
    _, pieces = _open(hub, log, "evt_0")

    await _next(pieces)

    assert numbers(await _next(pieces)) == [1]
    assert await _next(pieces) == b"whole\n\n"
    await pieces.aclose()


async def test_a_reader_that_missed_deltas_gets_the_text_so_far() -> None:
    """Once it has caught up, the whole text comes instead of the lost pieces."""
    log = ListLog()
    hub = make_hub(log, capacity=8)
    _, pieces = _open(hub, log, None)
    await _next(pieces)
    waiting = asyncio.ensure_future(_next(pieces))
    await asyncio.sleep(0)
    answer = _Whole()
    hub.begin(answer)
    for _ in range(9):
        hub.tell(ROOM, Kind.DELTA, b"delta\n\n", answer.message_id)

    assert await waiting == b"delta\n\n" * 4
    assert await _next(pieces) == b"whole\n\n"
    await pieces.aclose()


async def test_removal_ends_a_stream_that_is_still_catching_up() -> None:
    """Nothing is sent after the end was decided but the reason."""
    log = ListLog()
    for _ in range(450):
        log.add()
    hub = make_hub(log)
    reader, pieces = _open(hub, log, "evt_0")
    await _next(pieces)

    hub.publish(ROOM, [membership(451, reader.identity.user_id, "removed")])
    rest = [piece async for piece in pieces]

    assert len(rest) == 1
    assert b'"reason":"removed"' in rest[0]
