"""Streams of all one's conversations over HTTP."""

import asyncio
from typing import Any

from tests.support.servers.in_process_server import InProcessServer, StartServer
from tests.support.wait import until


async def test_one_connection_tells_of_every_conversation(server: InProcessServer) -> None:
    """Events name their conversation and count in it; no other person's are among them."""
    ann, bob = await server.person("ann"), await server.person("bob")
    one, two = await ann.conversation(), await ann.conversation()
    foreign = await bob.conversation()
    async with ann.follow_all() as stream:
        opened = await stream.next()
        await bob.root(foreign)
        await ann.root(two)
        await ann.root(one)
        events = [await stream.next() for _ in range(4)]

    assert opened["payload"] == {"positions": {one: "evt_0", two: "evt_0"}}
    assert [(e["type"], e["id"]) for e in events] == [
        ("thread.new", "evt_1"),
        ("message.new", "evt_2"),
    ] * 2
    assert [e["payload"].get("conversation_id") for e in events] == [two, None, one, None]


async def test_it_has_no_id_lines(server: InProcessServer) -> None:
    """A browser would send the last of them as if there were one position."""
    ann = await server.person("ann")
    room = await ann.conversation()
    lines = []
    async with ann.follow_all() as stream:
        await ann.root(room)
        async with asyncio.timeout(20):
            async for line in stream.lines:
                lines.append(line)
                if '"message.new"' in line:
                    break

    assert not [line for line in lines if line.startswith("id:")]


async def test_it_goes_on_where_each_conversation_was_cut(server: InProcessServer) -> None:
    """What a client names is made up for; what cannot be is named by a reset."""
    ann = await server.person("ann")
    rooms = [await ann.conversation() for _ in range(3)]
    for room in rooms:
        await ann.root(room)
    seen = {rooms[0]: "evt_1", rooms[1]: "evt_99"}
    async with ann.follow_all(**seen) as stream:
        opened = await stream.next()
        told = [await stream.next() for _ in range(2)]

    assert opened["payload"]["positions"] == {
        rooms[0]: "evt_1",
        rooms[1]: "evt_2",
        rooms[2]: "evt_2",
    }
    assert told[0]["payload"] == {
        "reason": "unknown",
        "last_event_id": "evt_2",
        "conversation_id": rooms[1],
    }
    assert (told[1]["type"], told[1]["id"]) == ("message.new", "evt_2")


async def test_a_removed_person_hears_no_more_of_it(server: InProcessServer) -> None:
    """The stream goes on with the other conversations."""
    ann, bob = await server.person("ann"), await server.person("bob")
    shared, own = await ann.conversation(is_group=True), await bob.conversation()
    path = f"/api/conversations/{shared}/participants"
    await ann.post(path, {"user_id": str(bob.id), "role": "member"}, expect=204)
    async with bob.follow_all() as stream:
        await stream.next("stream.open")
        await ann.call("DELETE", f"{path}/{bob.id}", expect=204)
        await ann.root(shared)
        removal = await stream.next()
        await bob.root(own)
        later = await stream.next()

    assert (removal["type"], removal["payload"]["action"]) == ("membership.changed", "removed")
    assert (later["type"], later["payload"]["conversation_id"]) == ("thread.new", own)


async def test_it_ends_with_its_session(server: InProcessServer) -> None:
    """Also when the person is in no conversation."""
    ann = await server.person("ann")
    async with ann.follow_all() as stream:
        assert (await stream.next())["payload"] == {"positions": {}}
        await ann.post("/api/auth/logout", None)
        closed = (await stream.rest())[-1]

    assert closed == {"type": "stream.closed", "payload": {"reason": "session_ended"}}


async def test_conversations_joined_later_are_followed(start_server: StartServer) -> None:
    """Those one is added to, and those one makes elsewhere; also when another process did it."""
    async with start_server() as one, start_server() as two:
        ann, bob = await one.person("ann"), await one.person("bob")
        there = await two.sign_in("bob")
        shared = await ann.conversation(is_group=True)
        async with there.follow_all() as stream:
            await stream.next("stream.open")
            await ann.post(
                f"/api/conversations/{shared}/participants",
                {"user_id": str(bob.id), "role": "member"},
                expect=204,
            )
            two.clock.advance(1)
            added = [await stream.next() for _ in range(2)]
            own = await bob.conversation()
            two.clock.advance(1)
            made = await stream.next()
            await bob.root(own)
            two.clock.advance(1)
            posted = await stream.next()

    assert added[0]["payload"] == {
        "reason": "joined",
        "last_event_id": "evt_0",
        "conversation_id": shared,
    }
    assert (added[1]["type"], added[1]["id"]) == ("membership.changed", "evt_1")
    assert made["payload"]["conversation_id"] == own
    assert (posted["type"], posted["payload"]["conversation_id"]) == ("thread.new", own)


async def test_conversations_joined_unheard_are_found(
    server: InProcessServer, superuser: Any
) -> None:
    """When the log of controls has gone on without this process, it looks what it missed."""
    ann, bob = await server.person("ann"), await server.person("bob")
    shared = await ann.conversation(is_group=True)
    async with bob.follow_all() as stream:
        await stream.next("stream.open")
        await superuser.execute(
            "INSERT INTO rustygpt.participants VALUES ($1, $2, 'member', now(), 0)", shared, bob.id
        )
        await superuser.execute(
            "UPDATE rustygpt.access_change_counter SET last_number = last_number + 5"
        )
        reading = asyncio.create_task(stream.next())

        def is_told() -> bool:
            server.clock.advance(1)
            return reading.done()

        await until(is_told)

    assert reading.result()["payload"]["reason"] == "joined"
    assert reading.result()["payload"]["conversation_id"] == shared
