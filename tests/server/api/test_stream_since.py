"""Streams that start at a time (`since`, milliseconds since 1970)."""

from typing import Any

import pytest
from tests.support.servers.in_process_server import HttpUser, InProcessServer, StartServer

from rustygpt_shared.settings import Db, Llm, Settings, Sse


def now_ms(server: InProcessServer) -> str:
    """Return the server's time."""
    return str(round(server.clock.now().timestamp() * 1000))


async def two_posts(server: InProcessServer, ann: HttpUser, conversation_id: str) -> str:
    """Post two roots, and return a time between them."""
    await ann.root(conversation_id, "before")
    server.clock.advance(1)
    between = now_ms(server)
    server.clock.advance(1)
    await ann.root(conversation_id, "after")
    return between


async def test_a_stream_starts_with_the_events_since_a_time(server: InProcessServer) -> None:
    """It opens after the last event before that time."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    between = await two_posts(server, ann, conversation_id)
    async with ann.follow(conversation_id, since=between) as stream:
        opened = await stream.next()
        first = await stream.next()
    async with ann.follow(conversation_id, "evt_1", since=between) as stream:
        resumed = await stream.next()
    async with ann.follow(conversation_id, since="0") as stream:
        await stream.next("stream.open")
        oldest = await stream.next()

    assert opened["payload"]["last_event_id"] == "evt_2"
    assert (first["type"], first["id"]) == ("thread.new", "evt_3")
    assert resumed["payload"]["last_event_id"] == "evt_1", "the id is more precise"
    assert oldest.get("id") == "evt_1", oldest


@pytest.mark.parametrize("since", ["99999999999999", "999999999999999999"])
async def test_a_time_in_the_future_is_the_end(server: InProcessServer, since: str) -> None:
    """Also one that no calendar has."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    await ann.root(conversation_id)
    async with ann.follow(conversation_id, since=since) as stream:
        opened = await stream.next()
    assert opened["payload"]["last_event_id"] == "evt_2"


async def test_a_time_that_is_no_number_is_answered_by_a_reset(server: InProcessServer) -> None:
    """An error status would end a browser's EventSource for good."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    await ann.root(conversation_id)
    for since in ("yesterday", "-1", "1e3", "\u0663"):
        async with ann.follow(conversation_id, since=since) as stream:
            await stream.next("stream.open")
            reset = await stream.next()
        assert reset["payload"] == {"reason": "unknown", "last_event_id": "evt_2"}


async def test_a_time_before_the_log_is_answered_by_a_reset(
    server: InProcessServer, superuser: Any
) -> None:
    """Events since then may be lost."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    between = await two_posts(server, ann, conversation_id)
    await superuser.execute("DELETE FROM rustygpt.events WHERE number <= 3")
    async with ann.follow(conversation_id, since=between) as stream:
        await stream.next("stream.open")
        reset = await stream.next()
    assert reset["payload"] == {"reason": "trimmed", "last_event_id": "evt_4"}


async def test_a_time_with_too_many_events_since_is_answered_by_a_reset(
    start_server: StartServer,
) -> None:
    """Loading is cheaper than a replay of so many."""
    settings = Settings(
        sse=Sse(max_backfill_events=3), llm=Llm(default_model="demo"), db=Db(max_connections=4)
    )
    async with start_server(settings=settings) as server:
        ann = await server.person("ann")
        conversation_id = await ann.conversation()
        await ann.root(conversation_id)
        between = await two_posts(server, ann, conversation_id)
        await ann.root(conversation_id)
        async with ann.follow(conversation_id, since=between) as stream:
            await stream.next("stream.open")
            reset = await stream.next()
    assert reset["payload"] == {"reason": "too_far", "last_event_id": "evt_8"}


async def test_a_stream_of_all_starts_at_a_time_where_no_position_is_known(
    server: InProcessServer,
) -> None:
    """Positions are more precise; a malformed one gets a reset that names the conversation."""
    ann = await server.person("ann")
    ids = [await ann.conversation() for _ in range(3)]
    for conversation_id in ids:
        between = await two_posts(server, ann, conversation_id)
    async with ann.follow_all(since=between, **{ids[0]: "evt_1", ids[1]: "x y"}) as stream:
        opened = await stream.next()
        reset = await stream.next()

    assert opened["payload"]["positions"] == {ids[0]: "evt_1", ids[2]: "evt_2"}
    assert reset["payload"] == {
        "reason": "unknown",
        "last_event_id": "evt_4",
        "conversation_id": ids[1],
    }
