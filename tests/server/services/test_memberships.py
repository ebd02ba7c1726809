"""Streams are authorized from memory where possible, and never by a membership that ended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import UUID

import pytest
from tests.support.fakes.fake_clock import FakeClock
from tests.support.servers.in_process_server import HttpUser, InProcessServer, StartServer

from rustygpt_server.db.access_changes import AccessChange
from rustygpt_server.services.streams import OpenStream
from rustygpt_shared.settings import Db, Llm, Settings, Sse


async def open_stream(
    server: InProcessServer,
    user: HttpUser,
    conversation: str,
    last_event_id: str | None = None,
) -> OpenStream:
    """Open a stream as a request does."""
    services = server.components.services
    caller = await services.sessions.authenticate(user.client.cookies["SESSION_ID"])
    return await services.streams.open_conversation_stream(
        caller, UUID(conversation), last_event_id
    )


async def add_member(
    server: InProcessServer, owner: HttpUser, name: str, conversation: str
) -> HttpUser:
    """Create a user and add it to a conversation."""
    user = await server.person(name)
    body = {"user_id": str(user.id), "role": "member"}
    await owner.post(f"/api/conversations/{conversation}/participants", body, expect=204)
    return user


@pytest.fixture
async def idle_server(start_server: StartServer) -> AsyncIterator[InProcessServer]:
    """A server without periodic tasks, for many streams per user."""
    sse = Sse(max_streams_per_user=500)
    settings = Settings(sse=sse, llm=Llm(default_model="demo"), db=Db(max_connections=4))
    async with start_server(settings=settings) as server:
        await server.components.background.stop()
        await server.components.stream_revalidator.poll_access_changes()
        yield server


async def test_streams_open_without_a_query(idle_server: InProcessServer) -> None:
    """200 streams of two users, new or resumed, once each user has opened one."""
    ann = await idle_server.person("ann")
    conversation = await ann.conversation(is_group=True)
    users = [ann, await add_member(idle_server, ann, "bob", conversation)]
    for user in users:
        await open_stream(idle_server, user, conversation)
    await ann.root(conversation)
    before = idle_server.statements
    async with AsyncExitStack() as stack:
        opening = [
            stack.enter_async_context(users[n % 2].follow(conversation, "evt_2" if n % 3 else None))
            for n in range(200)
        ]
        streams = [await one for one in opening]
        for stream in streams:
            await stream.next("stream.open")

    assert idle_server.statements == before


async def test_streams_that_open_together_share_a_query(idle_server: InProcessServer) -> None:
    """A process with an empty cache needs one or two queries for all, not one for each."""
    ann = await idle_server.person("ann")
    conversations = [await ann.conversation(str(n)) for n in range(50)]
    idle_server.clock.advance(61)
    await idle_server.components.stream_revalidator.poll_access_changes()
    before = idle_server.statements
    await asyncio.gather(*(open_stream(idle_server, ann, one) for one in conversations))

    assert idle_server.statements - before <= 4


@pytest.mark.parametrize("last_event_id", ["evt_9", "evt_1"])
async def test_events_that_are_not_in_memory_need_a_query(
    idle_server: InProcessServer, last_event_id: str
) -> None:
    """A client that has seen more than this process, or lacks more than the ring has."""
    ann = await idle_server.person("ann")
    conversation = await ann.conversation()
    await ann.root(conversation)
    await open_stream(idle_server, ann, conversation)
    before = idle_server.statements
    await open_stream(idle_server, ann, conversation, "evt_2")
    assert idle_server.statements == before
    await open_stream(idle_server, ann, conversation, last_event_id)

    assert idle_server.statements == before + 1


async def test_caches_are_not_used_without_recent_access_changes(
    idle_server: InProcessServer,
) -> None:
    """Two seconds after the log of access changes was read, every check is a query."""
    ann = await idle_server.person("ann")
    conversation = await ann.conversation()
    await open_stream(idle_server, ann, conversation)
    idle_server.clock.advance(2.1)
    before = idle_server.statements
    for _ in range(2):
        await open_stream(idle_server, ann, conversation)
    assert idle_server.statements == before + 4
    await idle_server.components.stream_revalidator.poll_access_changes()
    before = idle_server.statements
    await open_stream(idle_server, ann, conversation)

    assert idle_server.statements == before


async def test_a_removal_by_another_process_is_seen_in_the_log(start_server: StartServer) -> None:
    """A cached membership is not used once the change was read."""
    settings = Settings(db=Db(max_connections=4))
    clock = FakeClock()
    async with (
        start_server(settings=settings, clock=clock) as first,
        start_server(settings=settings, clock=clock) as second,
    ):
        ann = await first.person("ann")
        conversation = await ann.conversation(is_group=True)
        bob = await add_member(first, ann, "bob", conversation)
        await open_stream(second, bob, conversation)
        path = f"/api/conversations/{conversation}/participants/{bob.id}"
        await ann.call("DELETE", path, expect=204)
        await second.components.stream_revalidator.poll_access_changes()
        response = await bob.client.get(f"{second.url}/api/stream/conversations/{conversation}")

    assert response.status_code == 404


async def test_a_cached_membership_is_as_old_as_its_query(idle_server: InProcessServer) -> None:
    """A removal that arrives late also ends a stream that started after the removal's event."""
    ann = await idle_server.person("ann")
    conversation = await ann.conversation()
    await open_stream(idle_server, ann, conversation)
    await ann.root(conversation)
    await open_stream(idle_server, ann, conversation)
    removal = AccessChange("removed", ann.id, None, UUID(conversation), 1)
    idle_server.components.access.apply(removal)

    subscribers = list(idle_server.components.realtime.subscribers)
    assert [one.close_frame is not None for one in subscribers] == [True, True]
