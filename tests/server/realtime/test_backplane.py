"""The behaviour that all implementations of the backplane share."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import UUID, uuid4

import pytest
from tests.support.components.backplanes import (
    RecordingListener,
    all_connected,
    answer_delta,
    answer_status,
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

MESSAGES = [
    answer_delta(3, "grün 🦀 \x00 \u2028", reasoning="why", reasoning_offset=1),
    AnswerEnded(uuid4(), uuid4()),
    answer_status("queued", queue_position=3, omitted_messages=2),
    UnloggedEvents([EventRecord(UUID(int=3), 4, "error", '{"code":"c","message":"m"}')]),
    ResendRequest(None),
    ResendRequest(uuid4()),
    AccessChange("removed", uuid4(), None, uuid4(), 7),
    CancelAnswer(uuid4()),
    ReadMarkerMoved(uuid4(), uuid4(), uuid4(), 1_000, 7, 1 << 60, 3),
]


@pytest.fixture(params=["memory", "postgres", "redis"])
async def backplanes(
    request: pytest.FixtureRequest, database_url: str, pool_login: PoolLogin
) -> AsyncIterator[list[Backplane]]:
    """The backplanes of three processes, not started."""
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


async def _start(backplanes: list[Backplane]) -> list[RecordingListener]:
    listeners = [RecordingListener() for _ in backplanes]
    for backplane, listener in zip(backplanes, listeners, strict=True):
        await backplane.start(listener)
    await all_connected(*backplanes)
    return listeners


async def test_the_other_processes_receive_what_one_publishes(
    backplanes: list[Backplane],
) -> None:
    """Unchanged and in order; the process itself receives nothing."""
    own, *others = await _start(backplanes)
    conversation_id = uuid4()
    backplanes[0].publish_position(conversation_id, 5)
    for message in MESSAGES:
        backplanes[0].publish(message)
    await until(lambda: all(len(other.messages) == len(MESSAGES) for other in others))

    assert [other.messages for other in others] == [MESSAGES, MESSAGES]
    assert [other.numbers for other in others] == [[(conversation_id, 5)]] * 2
    assert (own.messages, own.numbers, own.connections) == ([], [], 1)


async def test_the_last_position_always_arrives(backplanes: list[Backplane]) -> None:
    """Numbers before it may be left out, but their order never changes."""
    _, *others = await _start(backplanes)
    conversation_ids = [UUID(int=n) for n in range(400)]
    for number in range(1, 20):
        for conversation_id in conversation_ids:
            backplanes[0].publish_position(conversation_id, number)
    expected = dict.fromkeys(conversation_ids, 19)
    await until(lambda: all(dict(other.numbers) == expected for other in others), seconds=60)

    for other in others:
        received = [number for one, number in other.numbers if one == conversation_ids[0]]
        assert received == sorted(received)


async def test_a_long_text_arrives_in_parts(backplanes: list[Backplane]) -> None:
    """They follow each other without a gap."""
    _, listener, _ = await _start(backplanes)
    text = "🦀é\x01a" * 10_000
    thought = "hm " * 3_000
    backplanes[0].publish(answer_delta(0, text, reasoning=thought))
    backplanes[0].publish(ResendRequest(None))
    await until(lambda: ResendRequest(None) in listener.messages, seconds=60)
    content = ""
    reasoning = ""
    for delta in listener.messages[:-1]:
        assert (delta.offset, delta.reasoning_offset) == (len(content), len(reasoning))
        content += delta.content
        reasoning += delta.reasoning

    assert (content, reasoning) == (text, thought)


async def test_a_stopped_backplane_receives_nothing(backplanes: list[Backplane]) -> None:
    """It is not connected any more; what was published just before the stop is sent."""
    listeners = await _start(backplanes)
    await backplanes[2].stop()
    backplanes[0].publish(ResendRequest(None))
    await backplanes[0].stop()
    await until(lambda: listeners[1].messages == [ResendRequest(None)])

    assert listeners[2].messages == []
    assert [backplane.connected for backplane in backplanes] == [False, True, False]
