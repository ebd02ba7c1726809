"""Streams are let in by what this process knows: no query, and no right that is gone."""

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
    api: InProcessServer, person: HttpUser, room: str, seen: str | None = None
) -> OpenStream:
    """Let a person in as a request does."""
    services = api.components.services
    signed = await services.sessions.authenticate(person.client.cookies["SESSION_ID"])
    return await services.streams.open_conversation_stream(signed, UUID(room), seen)


async def member(api: InProcessServer, owner: HttpUser, name: str, room: str) -> HttpUser:
    """Somebody who is in a conversation."""
    person = await api.person(name)
    body = {"user_id": str(person.id), "role": "member"}
    await owner.post(f"/api/conversations/{room}/participants", body, expect=204)
    return person


@pytest.fixture
async def idle_server(start_server: StartServer) -> AsyncIterator[InProcessServer]:
    """A server that does nothing by itself, with room for many streams."""
    sse = Sse(max_streams_per_user=500)
    settings = Settings(sse=sse, llm=Llm(default_model="demo"), db=Db(max_connections=4))
    async with start_server(settings=settings) as api:
        await api.components.background.stop()
        await api.components.services.streams.poll_access_changes()
        yield api


async def test_streams_open_without_a_query(idle_server: InProcessServer) -> None:
    """200 of two people, once the first of each was let in; also where they have seen some."""
    ann = await idle_server.person("ann")
    room = await ann.conversation(is_group=True)
    people = [ann, await member(idle_server, ann, "bob", room)]
    for person in people:
        await open_stream(idle_server, person, room)
    await ann.root(room)
    before = idle_server.statements
    async with AsyncExitStack() as stack:
        opening = [
            stack.enter_async_context(people[n % 2].follow(room, "evt_2" if n % 3 else None))
            for n in range(200)
        ]
        streams = [await one for one in opening]
        for stream in streams:
            await stream.next("stream.open")

    assert idle_server.statements == before


async def test_many_that_open_at_once_ask_together(idle_server: InProcessServer) -> None:
    """A process that knows nothing yet asks once or twice for all, not once for each."""
    ann = await idle_server.person("ann")
    rooms = [await ann.conversation(str(n)) for n in range(50)]
    idle_server.clock.advance(61)
    await idle_server.components.services.streams.poll_access_changes()
    before = idle_server.statements
    await asyncio.gather(*(open_stream(idle_server, ann, room) for room in rooms))

    assert idle_server.statements - before <= 4


@pytest.mark.parametrize("seen", ["evt_9", "evt_1"])
async def test_what_is_not_in_memory_is_asked_for(idle_server: InProcessServer, seen: str) -> None:
    """A reader that has seen more than this process heard of, or less than is kept here."""
    ann = await idle_server.person("ann")
    room = await ann.conversation()
    await ann.root(room)
    await open_stream(idle_server, ann, room)
    before = idle_server.statements
    await open_stream(idle_server, ann, room, "evt_2")
    assert idle_server.statements == before
    await open_stream(idle_server, ann, room, seen)

    assert idle_server.statements == before + 1


async def test_nothing_is_known_when_nothing_is_heard(idle_server: InProcessServer) -> None:
    """Two seconds after the log was last asked for, the database is asked each time."""
    ann = await idle_server.person("ann")
    room = await ann.conversation()
    await open_stream(idle_server, ann, room)
    idle_server.clock.advance(2.1)
    before = idle_server.statements
    for _ in range(2):
        await open_stream(idle_server, ann, room)
    assert idle_server.statements == before + 4
    await idle_server.components.services.streams.poll_access_changes()
    before = idle_server.statements
    await open_stream(idle_server, ann, room)

    assert idle_server.statements == before


async def test_another_process_s_removal_shuts_the_door(start_server: StartServer) -> None:
    """Somebody who was removed elsewhere is let in no more once the log was read."""
    settings, clock = Settings(db=Db(max_connections=4)), FakeClock()
    async with (
        start_server(settings=settings, clock=clock) as one,
        start_server(settings=settings, clock=clock) as two,
    ):
        ann = await one.person("ann")
        room = await ann.conversation(is_group=True)
        bob = await member(one, ann, "bob", room)
        await open_stream(two, bob, room)
        path = f"/api/conversations/{room}/participants/{bob.id}"
        await ann.call("DELETE", path, expect=204)
        await two.components.services.streams.poll_access_changes()
        answer = await bob.client.get(f"{two.url}/api/stream/conversations/{room}")

    assert answer.status_code == 404


async def test_a_known_right_is_as_old_as_it_is(idle_server: InProcessServer) -> None:
    """A removal that is heard of late ends a stream that started behind its event."""
    ann = await idle_server.person("ann")
    room = await ann.conversation()
    await open_stream(idle_server, ann, room)
    await ann.root(room)
    await open_stream(idle_server, ann, room)
    removal = AccessChange("removed", ann.id, None, UUID(room), 1)
    idle_server.components.services.streams._access.apply(removal)

    assert [
        reader.close_frame is not None for reader in idle_server.components.hub.subscribers
    ] == [True, True]
