"""Streams of all conversations of a user, over HTTP."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from tests.support.servers.in_process_server import InProcessServer, StartServer
from tests.support.wait import until


async def test_one_stream_has_the_events_of_every_conversation(server: InProcessServer) -> None:
    """Events name their conversation and are numbered in it; other users' events are not sent."""
    ann, bob = await server.person("ann"), await server.person("bob")
    first_id, second_id = await ann.conversation(), await ann.conversation()
    foreign = await bob.conversation()
    async with ann.follow_all() as stream:
        opened = await stream.next()
        await bob.root(foreign)
        await ann.root(second_id)
        await ann.root(first_id)
        events = [await stream.next() for _ in range(4)]

    assert opened["payload"] == {"positions": {first_id: "evt_0", second_id: "evt_0"}}
    assert [(e["type"], e["id"]) for e in events] == [
        ("thread.new", "evt_1"),
        ("message.new", "evt_2"),
    ] * 2
    assert [e["payload"].get("conversation_id") for e in events] == [
        second_id,
        None,
        first_id,
        None,
    ]


async def test_a_stream_of_all_has_no_id_fields(server: InProcessServer) -> None:
    """An `id:` field would make a browser send one position for all conversations."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    lines = []
    async with ann.follow_all() as stream:
        await ann.root(conversation_id)
        async with asyncio.timeout(60):
            async for line in stream.lines:
                lines.append(line)
                if '"message.new"' in line:
                    break

    assert not [line for line in lines if line.startswith("id:")]


async def test_each_conversation_continues_from_its_position(server: InProcessServer) -> None:
    """Events after the client's positions are sent; an unknown position gets a reset."""
    ann = await server.person("ann")
    conversation_ids = [await ann.conversation() for _ in range(3)]
    for conversation_id in conversation_ids:
        await ann.root(conversation_id)
    positions = {conversation_ids[0]: "evt_1", conversation_ids[1]: "evt_99"}
    async with ann.follow_all(**positions) as stream:
        opened = await stream.next()
        events = [await stream.next() for _ in range(2)]

    assert opened["payload"]["positions"] == {
        conversation_ids[0]: "evt_1",
        conversation_ids[2]: "evt_2",
    }
    assert events[0]["payload"] == {
        "reason": "unknown",
        "last_event_id": "evt_2",
        "conversation_id": conversation_ids[1],
    }
    assert (events[1]["type"], events[1]["id"]) == ("message.new", "evt_2")


@pytest.mark.parametrize("junk", ["junk", "junk:evt_1", ":", "%00", "evt_1"])
async def test_a_position_without_a_conversation_may_be_about_each_one(
    server: InProcessServer, junk: str
) -> None:
    """Conversations whose position can be read continue from it; all others get a reset."""
    ann = await server.person("ann")
    known_id, other_id = await ann.conversation(), await ann.conversation()
    for conversation_id in (known_id, other_id):
        await ann.root(conversation_id)
    url = f"/api/stream?positions={junk},{known_id}:evt_2"
    async with ann.client.stream("GET", url) as response:
        received = await _first_events(response, 2)

    assert received[0] == {"type": "stream.open", "payload": {"positions": {known_id: "evt_2"}}}
    assert received[1]["payload"] == {
        "reason": "unknown",
        "last_event_id": "evt_2",
        "conversation_id": other_id,
    }


async def test_positions_may_be_repeated(server: InProcessServer) -> None:
    """As several parameters, of which each may have several parts."""
    ann = await server.person("ann")
    ids = [await ann.conversation() for _ in range(2)]
    for conversation_id in ids:
        await ann.root(conversation_id)
    url = "/api/stream?" + "&".join(f"positions={id_}:evt_1" for id_ in ids)
    async with ann.client.stream("GET", url) as response:
        received = await _first_events(response, 3)

    assert received[0]["payload"] == {"positions": dict.fromkeys(ids, "evt_1")}
    assert [event["id"] for event in received[1:]] == ["evt_2", "evt_2"]


async def _first_events(response: httpx.Response, count: int) -> list[Any]:
    """Return the data of the first events of a stream."""
    received: list[Any] = []
    async with asyncio.timeout(60):
        async for line in response.aiter_lines():
            if line.startswith("data:"):
                received.append(json.loads(line.removeprefix("data:")))
            if len(received) == count:
                break
    return received


async def test_a_removed_user_gets_no_more_events_of_the_conversation(
    server: InProcessServer,
) -> None:
    """The stream continues with the other conversations."""
    ann, bob = await server.person("ann"), await server.person("bob")
    shared_id, own_id = await ann.conversation(is_group=True), await bob.conversation()
    await ann.add_participant(shared_id, bob)
    participant_path = f"/api/conversations/{shared_id}/participants/{bob.id}"
    async with bob.follow_all() as stream:
        await stream.next("stream.open")
        await ann.call("DELETE", participant_path, expect=204)
        await ann.root(shared_id)
        removal = await stream.next()
        await bob.root(own_id)
        later = await stream.next()

    assert (removal["type"], removal["payload"]["action"]) == ("membership.changed", "removed")
    assert (later["type"], later["payload"]["conversation_id"]) == ("thread.new", own_id)


async def test_a_stream_of_all_ends_with_its_session(server: InProcessServer) -> None:
    """This holds also for a user who is in no conversation."""
    ann = await server.person("ann")
    async with ann.follow_all() as stream:
        assert (await stream.next())["payload"] == {"positions": {}}
        await ann.post("/api/auth/logout", None)
        closed = (await stream.rest())[-1]

    assert closed == {"type": "stream.closed", "payload": {"reason": "session_ended"}}


async def test_conversations_joined_later_are_followed(start_server: StartServer) -> None:
    """Conversations that the user is added to, or creates on another server, join the stream."""
    async with start_server() as first_server, start_server() as second_server:
        ann, bob = await first_server.person("ann"), await first_server.person("bob")
        bob_on_second = await second_server.sign_in("bob")
        shared_id = await ann.conversation(is_group=True)
        async with bob_on_second.follow_all() as stream:
            await stream.next("stream.open")
            await ann.add_participant(shared_id, bob)
            second_server.clock.advance(1)
            added = [await stream.next() for _ in range(2)]
            own_id = await bob.conversation()
            second_server.clock.advance(1)
            created = await stream.next()
            await bob.root(own_id)
            second_server.clock.advance(1)
            posted = await stream.next()

    assert added[0]["payload"] == {
        "reason": "joined",
        "last_event_id": "evt_0",
        "conversation_id": shared_id,
    }
    assert (added[1]["type"], added[1]["id"]) == ("membership.changed", "evt_1")
    assert created["payload"]["conversation_id"] == own_id
    assert (posted["type"], posted["payload"]["conversation_id"]) == ("thread.new", own_id)


async def test_a_missed_membership_is_found_after_a_gap(
    server: InProcessServer, superuser: Any
) -> None:
    """A gap in the log of access changes makes the process look for missed memberships."""
    ann, bob = await server.person("ann"), await server.person("bob")
    shared_id = await ann.conversation(is_group=True)
    async with bob.follow_all() as stream:
        await stream.next("stream.open")
        await superuser.execute(
            "INSERT INTO rustygpt.participants VALUES ($1, $2, 'member', now(), 0)",
            shared_id,
            bob.id,
        )
        await superuser.execute(
            "UPDATE rustygpt.access_change_counter SET last_number = last_number + 5"
        )
        next_event = asyncio.create_task(stream.next())

        def has_event() -> bool:
            server.clock.advance(1)
            return next_event.done()

        await until(has_event)

    assert next_event.result()["payload"]["reason"] == "joined"
    assert next_event.result()["payload"]["conversation_id"] == shared_id
