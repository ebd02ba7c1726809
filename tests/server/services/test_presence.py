"""Who is there: what changes is told, once, to whoever sees the person."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest
from tests.support.servers.in_process_server import (
    HttpUser,
    InProcessServer,
    SseStream,
    StartServer,
)
from tests.support.wait import until

from rustygpt_server.clock import TimeLimits
from rustygpt_server.realtime.backplane_messages import PresenceHeartbeat
from rustygpt_server.services import presence as service
from rustygpt_server.services.presence import effective_status

PATH = "/api/presence/heartbeat"


async def _room(api: InProcessServer) -> tuple[HttpUser, HttpUser, str]:
    """Ann's room with Bob in it."""
    ann, bob = await api.person("ann"), await api.person("bob")
    return ann, bob, await _with(ann, bob)


async def _with(ann: HttpUser, bob: HttpUser) -> str:
    room = await ann.conversation(is_group=True)
    body = {"user_id": str(bob.id), "role": "member"}
    await ann.post(f"/api/conversations/{room}/participants", body, expect=204)
    return room


async def _moving(api: InProcessServer, doing: Any, step: float = 0.5) -> Any:
    """What comes while time passes."""
    task = asyncio.ensure_future(doing)
    while not task.done():
        await asyncio.sleep(0.005)
        api.clock.advance(step)
    return task.result()


async def _told(api: InProcessServer, stream: SseStream, step: float = 0.5) -> dict[str, Any]:
    event = await _moving(api, stream.next("presence.update"), step)
    assert "id" not in event
    return event["payload"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("said", "silent", "shown"),
    [
        ("online", 44.9, "online"),
        ("online", 45, "away"),
        ("online", 299, "away"),
        ("online", 300, "offline"),
        ("away", 0, "away"),
        ("away", 300, "offline"),
        ("offline", 0, "offline"),
    ],
)
def test_silence_lowers_what_was_said(said: Any, silent: float, shown: str) -> None:
    """And never raises it."""
    assert effective_status(said, silent, TimeLimits()) == shown


async def test_only_changes_are_told(server: InProcessServer) -> None:
    """A heartbeat like the one before is no event; what is said and what silence does are."""
    ann, bob, room = await _room(server)
    seen, shown = [], "offline"
    async with ann.follow(room) as stream:
        for status in ("online", "online", "away", "offline", "offline", "online"):
            await bob.post(PATH, {"status": status}, expect=204)
            if status != shown:
                seen.append(await _told(server, stream, step=0.1))
            shown = status
        seen += [await _told(server, stream) for _ in range(2)]

    assert [one["status"] for one in seen] == [
        "online",
        "away",
        "offline",
        "online",
        "away",
        "offline",
    ]
    assert {one["user_id"] for one in seen} == {str(bob.id)}
    assert seen[-1]["last_seen_at"] == seen[3]["last_seen_at"]
    assert server.components.services.presence._states == {}, "who is offline is forgotten"


async def test_every_stream_that_sees_the_person_is_told_once(server: InProcessServer) -> None:
    """In each conversation the person is in, and in no other."""
    ann, bob, room = await _room(server)
    other, alone = await _with(ann, bob), await ann.conversation()
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(ann.follow(r)) for r in (room, other, alone)]
        for stream in streams:
            await stream.next("stream.open")
        await bob.post(PATH, {}, expect=204)
        for stream in streams[:2]:
            assert (await _told(server, stream))["status"] == "online"
        for place in (room, other, alone):
            await ann.root(place)
        nexts = [(await stream.next())["type"] for stream in streams]

    assert nexts == ["thread.new"] * 3


async def test_a_stream_of_all_conversations_is_told_once(server: InProcessServer) -> None:
    """However many conversations it shares with the person."""
    ann, bob, room = await _room(server)
    await _with(ann, bob)
    async with ann.follow_all() as stream:
        await stream.next("stream.open")
        await bob.post(PATH, {}, expect=204)
        assert (await _told(server, stream))["status"] == "online"
        await ann.root(room)
        assert (await stream.next())["type"] == "thread.new"


async def test_a_lost_heartbeat_makes_nobody_silent(
    server: InProcessServer, superuser: Any
) -> None:
    """Before somebody is shown as away, the database is asked."""
    ann, bob, room = await _room(server)
    async with ann.follow(room) as stream:
        await bob.post(PATH, {}, expect=204)
        assert (await _told(server, stream))["status"] == "online"
        start = server.clock.now()
        server.clock.advance(40)
        await superuser.execute(
            "UPDATE rustygpt.presence SET last_seen_at = $1, heartbeat_seq = heartbeat_seq + 1",
            server.clock.now(),
        )
        told = await _told(server, stream, step=1)

    assert told["status"] == "away"
    assert (server.clock.now() - start).total_seconds() >= 85


async def test_a_word_that_comes_late_changes_nothing(server: InProcessServer) -> None:
    """Of two heartbeats that processes tell, the one with the higher number holds."""
    ann, bob, room = await _room(server)
    keeper = server.components.services.presence
    async with ann.follow(room) as stream:
        await bob.post(PATH, {}, expect=204)
        assert (await _told(server, stream))["status"] == "online"
        await bob.post(PATH, {"status": "away"}, expect=204)
        keeper.on_heartbeat(PresenceHeartbeat(bob.id, "online", server.clock.now(), 1))
        assert (await _told(server, stream))["status"] == "away"
        await bob.post(PATH, {"status": "offline"}, expect=204)
        assert (await _told(server, stream))["status"] == "offline"
        keeper.on_heartbeat(PresenceHeartbeat(bob.id, "online", server.clock.now(), 1))
        await _moving(server, until(lambda: not keeper._due))
        await ann.root(room)
        assert (await stream.next())["type"] == "thread.new"


async def test_a_jump_of_the_clock_makes_nobody_silent(server: InProcessServer) -> None:
    """Silence is measured by the clock that never jumps."""
    _, bob, _ = await _room(server)
    keeper = server.components.services.presence
    await bob.post(PATH, {}, expect=204)
    known = keeper._states[bob.id]
    hour = server.clock.now().replace(hour=23)
    server.clock._now = hour
    await keeper.refresh()

    assert keeper._effective(known) == "online"


async def test_people_are_remembered_up_to_a_bound(
    server: InProcessServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The longest silent goes first, and comes again with the next heartbeat."""
    monkeypatch.setattr(service, "MAX_USERS", 2)
    people = [await server.person(name) for name in ("ann", "bob", "eve")]
    for person in people:
        await person.post(PATH, {}, expect=204)
    keeper = server.components.services.presence
    assert list(keeper._states) == [people[1].id, people[2].id]
    await people[0].post(PATH, {}, expect=204)
    assert list(keeper._states) == [people[2].id, people[0].id]


async def test_a_server_that_starts_knows_who_was_seen(
    start_server: StartServer, server: InProcessServer
) -> None:
    """It tells nothing of them as news, and lowers them when their time has come."""
    _, bob, room = await _room(server)
    await bob.post(PATH, {}, expect=204)
    server.clock.advance(20)
    async with start_server(clock=server.clock) as second:
        there = await second.sign_in("ann")
        await until(lambda: bob.id in second.components.services.presence._states)
        async with there.follow(room) as stream:
            await stream.next("stream.open")
            told = await _told(server, stream, step=1)

    assert told["status"] == "away"
