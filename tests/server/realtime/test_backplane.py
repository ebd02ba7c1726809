"""What every form of the backplane does: one test for all of them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import UUID, uuid4

import pytest
from tests.support.components.backplanes import (
    RecordingListener,
    all_connected,
    answer_delta,
    postgres_backplane,
    redis_backplane,
)
from tests.support.servers.redis_server import redis_url
from tests.support.wait import until

from rustygpt_server.db.access_changes import AccessChange
from rustygpt_server.db.bootstrap import PoolLogin
from rustygpt_server.db.rows import EventRecord
from rustygpt_server.realtime.backplane import Backplane
from rustygpt_server.realtime.backplane_messages import (
    AnswerEnded,
    CancelAnswer,
    ReadMarkerMoved,
    ResendRequest,
    UnloggedEvents,
)
from rustygpt_server.realtime.memory import Bus, MemoryBackplane

Lines = list[Backplane]
WORDS = [
    answer_delta(3, "grün 🦀 \x00 \u2028", reasoning="why", reasoning_offset=1),
    AnswerEnded(uuid4(), uuid4()),
    UnloggedEvents([EventRecord(UUID(int=3), 4, "error", '{"code":"c","message":"m"}')]),
    ResendRequest(None),
    ResendRequest(uuid4()),
    AccessChange("removed", uuid4(), None, uuid4(), 7),
    CancelAnswer(uuid4()),
    ReadMarkerMoved(uuid4(), uuid4(), uuid4(), 1 << 60, 1_000),
]


@pytest.fixture(params=["memory", "postgres", "redis"])
async def lines(
    request: pytest.FixtureRequest, database_url: str, pool_login: PoolLogin
) -> AsyncIterator[Lines]:
    """Three processes' places on the same backplane, not started."""
    async with AsyncExitStack() as stack:
        if request.param == "memory":
            bus = Bus()
            yield [MemoryBackplane(bus) for _ in range(3)]
        elif request.param == "redis":
            url = await stack.enter_async_context(redis_url())
            yield [await stack.enter_async_context(redis_backplane(url, name)) for name in "abc"]
        else:
            yield [
                await stack.enter_async_context(postgres_backplane(database_url, pool_login, name))
                for name in "abc"
            ]


async def _start(lines: Lines) -> list[RecordingListener]:
    ears = [RecordingListener() for _ in lines]
    for line, ear in zip(lines, ears, strict=True):
        await line.start(ear)
    await all_connected(*lines)
    return ears


async def test_the_others_hear_and_oneself_does_not(lines: Lines) -> None:
    """Positions and words of one reach every other, as they were and in order."""
    mine, *others = await _start(lines)
    room = uuid4()
    lines[0].publish_position(room, 5)
    for word in WORDS:
        lines[0].publish(word)
    await until(lambda: all(len(ear.messages) == len(WORDS) for ear in others))

    assert [ear.messages for ear in others] == [WORDS, WORDS]
    assert [ear.numbers for ear in others] == [[(room, 5)], [(room, 5)]]
    assert (mine.messages, mine.numbers, mine.connections) == ([], [], 1)


async def test_the_last_position_always_arrives(lines: Lines) -> None:
    """Numbers in between may be left out, the order never changes."""
    _, *others = await _start(lines)
    rooms = [UUID(int=n) for n in range(400)]
    for number in range(1, 20):
        for room in rooms:
            lines[0].publish_position(room, number)
    await until(
        lambda: all(dict(ear.numbers) == dict.fromkeys(rooms, 19) for ear in others), seconds=20
    )

    for ear in others:
        heard = [number for room, number in ear.numbers if room == rooms[0]]
        assert heard == sorted(heard)


async def test_a_large_text_arrives_in_pieces(lines: Lines) -> None:
    """They follow each other without a gap."""
    _, ear, _ = await _start(lines)
    text, thought = "🦀é\x01a" * 10_000, "hm " * 3_000
    lines[0].publish(answer_delta(0, text, reasoning=thought))
    lines[0].publish(ResendRequest(None))
    await until(lambda: ResendRequest(None) in ear.messages, seconds=20)
    content = reasoning = ""
    for word in ear.messages[:-1]:
        assert (word.offset, word.reasoning_offset) == (len(content), len(reasoning))
        content += word.content
        reasoning += word.reasoning

    assert (content, reasoning) == (text, thought)


async def test_who_has_stopped_hears_nothing(lines: Lines) -> None:
    """And is no longer up; what was said just before still goes out."""
    ears = await _start(lines)
    await lines[2].stop()
    lines[0].publish(ResendRequest(None))
    await lines[0].stop()
    await until(lambda: ears[1].messages == [ResendRequest(None)])

    assert ears[2].messages == []
    assert [line.connected for line in lines] == [False, True, False]
