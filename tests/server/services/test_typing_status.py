"""Who is writing: told at once, ended by themselves, by the clock, or by what they wrote."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from tests.support.servers.in_process_server import HttpUser, InProcessServer, SseStream

from rustygpt_server.realtime.backplane_messages import TypingChanged
from rustygpt_server.services.typing_status import MAX_TYPING

STOPPED = "1970-01-01T00:00:00Z"


async def _room(api: InProcessServer) -> tuple[HttpUser, HttpUser, str, str]:
    """Ann's room with Bob in it, and a thread of hers."""
    ann, bob = await api.person("ann"), await api.person("bob")
    room = await ann.conversation(is_group=True)
    body = {"user_id": str(bob.id), "role": "member"}
    await ann.post(f"/api/conversations/{room}/participants", body, expect=204)
    return ann, bob, room, await ann.root(room)


async def _type(person: HttpUser, room: str, root: str, seconds: int = 10) -> None:
    body = {"conversation_id": room, "root_id": root, "seconds": seconds}
    await person.post("/api/typing", body, expect=204)


async def _told(stream: SseStream, seconds: float = 2) -> tuple[str, str]:
    event = await stream.next("typing.update", seconds=seconds)
    assert "id" not in event
    return event["payload"]["root_id"], event["payload"]["expires_at"]


async def _turns(person: HttpUser, room: str) -> list[Any]:
    return (await person.get(f"/api/conversations/{room}/presence"))["typing"]  # type: ignore[no-any-return]


async def test_it_runs_out_by_the_servers_clock(server: InProcessServer) -> None:
    """Nobody has to say that a person stopped."""
    ann, bob, room, root = await _room(server)
    async with ann.follow(room) as stream:
        await _type(bob, room, root, 10)
        assert await _told(stream) == (root, "2026-01-01T12:00:10.000001Z")
        server.clock.advance(9)
        assert len(await _turns(ann, room)) == 1
        server.clock.advance(1)
        assert await _told(stream) == (root, STOPPED)

    assert await _turns(ann, room) == []
    assert server.components.services.typing._by_conversation == {}


async def test_it_is_ended_by_the_person_and_only_once(server: InProcessServer) -> None:
    """0 seconds end it; a second 0, or one for another thread, tells nothing."""
    ann, bob, room, root = await _room(server)
    other = await ann.root(room)
    async with ann.follow(room) as stream:
        await _type(bob, room, root)
        for thread in (other, root, root):
            await _type(bob, room, thread, 0)
        await ann.root(room, "after")
        events = [await stream.next(seconds=2)]
        while events[-1]["type"] != "thread.new":
            events.append(await stream.next(seconds=2))

    told = [event["payload"] for event in events if event["type"] == "typing.update"]
    assert [(one["root_id"], one["expires_at"] == STOPPED) for one in told] == [
        (root, False),
        (root, True),
    ]


async def test_whoever_goes_on_is_told_at_most_once_a_second(server: InProcessServer) -> None:
    """The same again tells nothing; a later end does."""
    ann, bob, room, root = await _room(server)
    async with ann.follow(room) as stream:
        for _ in range(3):
            await _type(bob, room, root, 10)
        server.clock.advance(4)
        await _type(bob, room, root, 10)
        told = [await _told(stream) for _ in range(2)]

    assert [when for _, when in told] == [
        "2026-01-01T12:00:10.000001Z",
        "2026-01-01T12:00:14.000001Z",
    ]


async def test_a_person_is_in_one_thread_of_a_room(server: InProcessServer) -> None:
    """Going to another ends the first."""
    ann, bob, room, root = await _room(server)
    other = await ann.root(room)
    async with ann.follow(room) as stream:
        await _type(bob, room, root)
        await _type(bob, room, other)
        told = [await _told(stream) for _ in range(3)]

    assert [(thread, when == STOPPED) for thread, when in told] == [
        (root, False),
        (root, True),
        (other, False),
    ]
    assert [turn["root_id"] for turn in await _turns(ann, room)] == [other]


async def test_a_message_ends_it_in_its_thread_only(server: InProcessServer) -> None:
    """Whoever has posted writes no more; a message elsewhere or by others says nothing of it."""
    ann, bob, room, root = await _room(server)
    other = await ann.root(room)
    await _type(bob, room, root)
    await bob.reply(other)
    await ann.reply(root)
    assert len(await _turns(ann, room)) == 1
    async with ann.follow(room) as stream:
        await stream.next("stream.open")
        await bob.reply(root)
        assert await _told(stream) == (root, STOPPED)
    assert await _turns(ann, room) == []


async def test_a_removal_ends_it(server: InProcessServer) -> None:
    """For readers by an event, and in the snapshot."""
    ann, bob, room, root = await _room(server)
    async with ann.follow(room) as stream:
        await _type(bob, room, root, 30)
        await _told(stream)
        people = f"/api/conversations/{room}/participants"
        await ann.call("DELETE", f"{people}/{bob.id}", expect=204)
        assert await _told(stream) == (root, STOPPED)
    assert await _turns(ann, room) == []


async def test_who_was_removed_is_in_no_snapshot_of_a_process_without_readers(
    server: InProcessServer,
) -> None:
    """Such a process does not hear of the removal; the list of participants knows."""
    ann, bob, room, root = await _room(server)
    await _type(bob, room, root, 30)
    await ann.call("DELETE", f"/api/conversations/{room}/participants/{bob.id}", expect=204)

    assert await _turns(ann, room) == []


async def test_a_room_shows_only_so_many(server: InProcessServer) -> None:
    """One more ends whoever would have ended next; memory stays bounded."""
    ann, _, room, root = await _room(server)
    typists, now = server.components.services.typing, server.clock.now()
    people = [uuid4() for _ in range(MAX_TYPING + 1)]
    for n, person in enumerate(people):
        until = now + timedelta(seconds=10 + n / 100)
        typists.on_typing(TypingChanged(UUID(room), UUID(root), person, until))
    kept = [turn.user_id for turn in typists.active(UUID(room))]

    assert kept == people[1:]
    assert await _turns(ann, room) == [], "strangers are not shown"


async def test_no_word_of_another_process_makes_it_last(server: InProcessServer) -> None:
    """Whatever time a word names, it is over after half a minute."""
    _, bob, room, root = await _room(server)
    typists = server.components.services.typing
    until = server.clock.now() + timedelta(days=9)
    typists.on_typing(TypingChanged(UUID(room), UUID(root), bob.id, until))
    server.clock.advance(30)
    await asyncio.sleep(0)

    assert list(typists.active(UUID(room))) == []
