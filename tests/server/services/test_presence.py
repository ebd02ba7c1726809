"""Presence: changes of status are sent once to every stream that shares a conversation."""

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
from rustygpt_server.services.presence import PresenceService, effective_status

PATH = "/api/presence/heartbeat"


async def _conversation_of_two(server: InProcessServer) -> tuple[HttpUser, HttpUser, str]:
    """Create a conversation of Ann's with Bob in it."""
    ann = await server.person("ann")
    bob = await server.person("bob")
    return ann, bob, await _conversation_with(ann, bob)


async def _conversation_with(ann: HttpUser, bob: HttpUser) -> str:
    conversation = await ann.conversation(is_group=True)
    body = {"user_id": str(bob.id), "role": "member"}
    await ann.post(f"/api/conversations/{conversation}/participants", body, expect=204)
    return conversation


async def _while_time_passes(server: InProcessServer, awaitable: Any, step: float = 0.5) -> Any:
    """Return the result of an awaitable, and advance the clock meanwhile."""
    task = asyncio.ensure_future(awaitable)
    while not task.done():
        await asyncio.sleep(0.005)
        server.clock.advance(step)
    return task.result()


async def _next_update(
    server: InProcessServer, stream: SseStream, step: float = 0.5
) -> dict[str, Any]:
    """Return the payload of the next presence update."""
    event = await _while_time_passes(server, stream.next("presence.update"), step)
    assert "id" not in event
    return event["payload"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("declared", "silent_seconds", "effective"),
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
def test_silence_lowers_the_declared_status(
    declared: Any, silent_seconds: float, effective: str
) -> None:
    """And never raises it."""
    assert effective_status(declared, silent_seconds, TimeLimits()) == effective


async def test_only_changes_are_sent(server: InProcessServer) -> None:
    """By a heartbeat or by silence; a heartbeat with the same status is no change."""
    ann, bob, conversation = await _conversation_of_two(server)
    updates = []
    current = "offline"
    async with ann.follow(conversation) as stream:
        for status in ("online", "online", "away", "offline", "offline", "online"):
            await bob.post(PATH, {"status": status}, expect=204)
            if status != current:
                updates.append(await _next_update(server, stream, step=0.1))
            current = status
        updates += [await _next_update(server, stream) for _ in range(2)]

    assert [update["status"] for update in updates] == [
        "online",
        "away",
        "offline",
        "online",
        "away",
        "offline",
    ]
    assert {update["user_id"] for update in updates} == {str(bob.id)}
    assert updates[-1]["last_seen_at"] == updates[3]["last_seen_at"]
    remembered = server.components.services.presence.statistics()["remembered"]
    assert remembered == 0, "users who are offline are forgotten"


async def test_an_update_is_sent_to_every_shared_conversation(server: InProcessServer) -> None:
    """Once to each stream of a conversation that the user is in, and to no other."""
    ann, bob, conversation = await _conversation_of_two(server)
    conversations = [
        conversation,
        await _conversation_with(ann, bob),
        await ann.conversation(),
    ]
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(ann.follow(one)) for one in conversations]
        for stream in streams:
            await stream.next("stream.open")
        await bob.post(PATH, {}, expect=204)
        for stream in streams[:2]:
            assert (await _next_update(server, stream))["status"] == "online"
        for one in conversations:
            await ann.root(one)
        next_types = [(await stream.next())["type"] for stream in streams]

    assert next_types == ["thread.new"] * 3


async def test_a_stream_of_all_conversations_gets_an_update_once(server: InProcessServer) -> None:
    """However many conversations are shared with the user."""
    ann, bob, conversation = await _conversation_of_two(server)
    await _conversation_with(ann, bob)
    async with ann.follow_all() as stream:
        await stream.next("stream.open")
        await bob.post(PATH, {}, expect=204)
        assert (await _next_update(server, stream))["status"] == "online"
        await ann.root(conversation)
        assert (await stream.next())["type"] == "thread.new"


async def test_a_lost_heartbeat_does_not_lower_the_status(
    server: InProcessServer, superuser: Any
) -> None:
    """Before a user is shown as away, the database is queried."""
    ann, bob, conversation = await _conversation_of_two(server)
    async with ann.follow(conversation) as stream:
        await bob.post(PATH, {}, expect=204)
        assert (await _next_update(server, stream))["status"] == "online"
        start = server.clock.now()
        server.clock.advance(40)
        await superuser.execute(
            "UPDATE rustygpt.presence SET last_seen_at = $1, heartbeat_seq = heartbeat_seq + 1",
            server.clock.now(),
        )
        update = await _next_update(server, stream, step=1)

    assert update["status"] == "away"
    assert (server.clock.now() - start).total_seconds() >= 85


async def test_a_late_heartbeat_message_changes_nothing(server: InProcessServer) -> None:
    """Of two heartbeats the one with the higher sequence number counts."""
    ann, bob, conversation = await _conversation_of_two(server)
    presence = server.components.services.presence
    async with ann.follow(conversation) as stream:
        await bob.post(PATH, {}, expect=204)
        assert (await _next_update(server, stream))["status"] == "online"
        await bob.post(PATH, {"status": "away"}, expect=204)
        presence.on_heartbeat(PresenceHeartbeat(bob.id, "online", server.clock.now(), 1))
        assert (await _next_update(server, stream))["status"] == "away"
        await bob.post(PATH, {"status": "offline"}, expect=204)
        assert (await _next_update(server, stream))["status"] == "offline"
        presence.on_heartbeat(PresenceHeartbeat(bob.id, "online", server.clock.now(), 1))
        await _while_time_passes(server, until(lambda: presence.statistics()["due"] == 0))
        await ann.root(conversation)
        assert (await stream.next())["type"] == "thread.new"


async def test_a_jump_of_the_wall_clock_lowers_no_status(server: InProcessServer) -> None:
    """Silence is measured by the monotonic clock."""
    ann, bob, conversation = await _conversation_of_two(server)
    presence = server.components.services.presence
    async with ann.follow(conversation) as stream:
        await bob.post(PATH, {}, expect=204)
        assert (await _next_update(server, stream, step=0.1))["status"] == "online"
        server.clock.jump(2 * 3_600)
        await presence.refresh()
        await ann.root(conversation)
        assert (await stream.next())["type"] == "thread.new"

    assert presence.remembered == [bob.id]


async def test_the_number_of_remembered_users_is_limited(server: InProcessServer) -> None:
    """The longest silent is forgotten, and remembered again with the next heartbeat."""
    components = server.components
    presence = PresenceService(
        components.db,
        components.hub,
        components.realtime.backplane,
        components.services.typing,
        components.context.runtime,
        max_users=2,
    )
    ann, bob, eve = [(await server.person(name)).id for name in ("ann", "bob", "eve")]
    for user_id in (ann, bob, eve):
        await presence.heartbeat(user_id, "online")
    assert presence.remembered == [bob, eve]
    await presence.heartbeat(ann, "online")
    assert presence.remembered == [eve, ann]


async def test_a_server_that_starts_loads_recent_heartbeats(
    start_server: StartServer, server: InProcessServer
) -> None:
    """It sends no update for them, and lowers their status in time."""
    _, bob, conversation = await _conversation_of_two(server)
    await bob.post(PATH, {}, expect=204)
    server.clock.advance(20)
    async with start_server(clock=server.clock) as second:
        ann = await second.sign_in("ann")
        await until(lambda: bob.id in second.components.services.presence.remembered)
        async with ann.follow(conversation) as stream:
            await stream.next("stream.open")
            update = await _next_update(server, stream, step=1)

    assert update["status"] == "away"
