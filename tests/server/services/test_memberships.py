"""Streams are let in by what this process knows: no query, and no right that is gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import UUID

import pytest
from tests.support.api import Api, Person, Serve
from tests.support.clocks import TestClock

from rustygpt_server.db.controls import Control
from rustygpt_server.services.feeds import Feed
from rustygpt_shared.settings import Db, Llm, Settings, Sse


async def open_stream(api: Api, person: Person, room: str, seen: str | None = None) -> Feed:
    """Let a person in as a request does."""
    services = api.parts.services
    signed = await services.sessions.authenticate(person.client.cookies["SESSION_ID"])
    return await services.feeds.open_feed(signed, UUID(room), seen)


async def member(api: Api, owner: Person, name: str, room: str) -> Person:
    """Somebody who is in a conversation."""
    person = await api.person(name)
    body = {"user_id": str(person.id), "role": "member"}
    await owner.post(f"/api/conversations/{room}/participants", body, expect=204)
    return person


@pytest.fixture
async def quiet(serve: Serve) -> AsyncIterator[Api]:
    """A server that does nothing by itself, with room for many streams."""
    sse = Sse(max_streams_per_user=500)
    settings = Settings(sse=sse, llm=Llm(default_model="demo"), db=Db(max_connections=4))
    async with serve(settings=settings) as api:
        await api.parts.upkeep.stop()
        await api.parts.services.feeds.keep_rights()
        yield api


async def test_streams_open_without_a_query(quiet: Api) -> None:
    """200 of two people, once the first of each was let in; also where they have seen some."""
    ann = await quiet.person("ann")
    room = await ann.conversation(is_group=True)
    people = [ann, await member(quiet, ann, "bob", room)]
    for person in people:
        await open_stream(quiet, person, room)
    await ann.root(room)
    before = quiet.statements
    async with AsyncExitStack() as stack:
        opening = [
            stack.enter_async_context(people[n % 2].follow(room, "evt_2" if n % 3 else None))
            for n in range(200)
        ]
        streams = [await one for one in opening]
        for stream in streams:
            await stream.next("stream.open")

    assert quiet.statements == before


async def test_many_that_open_at_once_ask_together(quiet: Api) -> None:
    """A process that knows nothing yet asks once or twice for all, not once for each."""
    ann = await quiet.person("ann")
    rooms = [await ann.conversation(str(n)) for n in range(50)]
    quiet.clock.move(61)
    await quiet.parts.services.feeds.keep_rights()
    before = quiet.statements
    await asyncio.gather(*(open_stream(quiet, ann, room) for room in rooms))

    assert quiet.statements - before <= 4


@pytest.mark.parametrize("seen", ["evt_9", "evt_1"])
async def test_what_is_not_in_memory_is_asked_for(quiet: Api, seen: str) -> None:
    """A reader that has seen more than this process heard of, or less than is kept here."""
    ann = await quiet.person("ann")
    room = await ann.conversation()
    await ann.root(room)
    await open_stream(quiet, ann, room)
    before = quiet.statements
    await open_stream(quiet, ann, room, "evt_2")
    assert quiet.statements == before
    await open_stream(quiet, ann, room, seen)

    assert quiet.statements == before + 1


async def test_nothing_is_known_when_nothing_is_heard(quiet: Api) -> None:
    """Two seconds after the log was last asked for, the database is asked each time."""
    ann = await quiet.person("ann")
    room = await ann.conversation()
    await open_stream(quiet, ann, room)
    quiet.clock.move(2.1)
    before = quiet.statements
    for _ in range(2):
        await open_stream(quiet, ann, room)
    assert quiet.statements == before + 4
    await quiet.parts.services.feeds.keep_rights()
    before = quiet.statements
    await open_stream(quiet, ann, room)

    assert quiet.statements == before


async def test_another_process_s_removal_shuts_the_door(serve: Serve) -> None:
    """Somebody who was removed elsewhere is let in no more once the log was read."""
    settings, clock = Settings(db=Db(max_connections=4)), TestClock()
    async with (
        serve(settings=settings, clock=clock) as one,
        serve(settings=settings, clock=clock) as two,
    ):
        ann = await one.person("ann")
        room = await ann.conversation(is_group=True)
        bob = await member(one, ann, "bob", room)
        await open_stream(two, bob, room)
        path = f"/api/conversations/{room}/participants/{bob.id}"
        await ann.call("DELETE", path, expect=204)
        await two.parts.services.feeds.keep_rights()
        answer = await bob.client.get(f"{two.url}/api/stream/conversations/{room}")

    assert answer.status_code == 404


async def test_a_known_right_is_as_old_as_it_is(quiet: Api) -> None:
    """A removal that is heard of late ends a stream that started behind its event."""
    ann = await quiet.person("ann")
    room = await ann.conversation()
    await open_stream(quiet, ann, room)
    await ann.root(room)
    await open_stream(quiet, ann, room)
    removal = Control("removed", ann.id, None, UUID(room), 1)
    quiet.parts.services.feeds._rights.act(removal)

    assert [reader.closing is not None for reader in quiet.parts.hub.streams] == [True, True]
