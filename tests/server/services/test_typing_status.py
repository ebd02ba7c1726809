"""Typing indicators: sent at once, and ended by the user, by time, or by the posted message."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from tests.support.servers.in_process_server import HttpUser, InProcessServer, SseStream

from rustygpt_server.realtime.backplane_messages import TypingChanged
from rustygpt_server.services.typing_status import MAX_TYPING

STOPPED = "1970-01-01T00:00:00Z"


async def _thread_of_two(server: InProcessServer) -> tuple[HttpUser, HttpUser, str, str]:
    """Create a conversation of Ann's with Bob in it, and a thread."""
    ann = await server.person("ann")
    bob = await server.person("bob")
    conversation = await ann.conversation(is_group=True)
    body = {"user_id": str(bob.id), "role": "member"}
    await ann.post(f"/api/conversations/{conversation}/participants", body, expect=204)
    return ann, bob, conversation, await ann.root(conversation)


async def _type(user: HttpUser, conversation: str, root: str, seconds: int = 10) -> None:
    body = {"conversation_id": conversation, "root_id": root, "seconds": seconds}
    await user.post("/api/typing", body, expect=204)


async def _next_update(stream: SseStream, seconds: float = 60) -> tuple[str, str]:
    """Return the thread and the expiry time of the next typing update."""
    event = await stream.next("typing.update", seconds=seconds)
    assert "id" not in event
    return event["payload"]["root_id"], event["payload"]["expires_at"]


async def _indicators(user: HttpUser, conversation: str) -> list[Any]:
    """Return the typing indicators of a snapshot."""
    presence = await user.get(f"/api/conversations/{conversation}/presence")
    return presence["typing"]  # type: ignore[no-any-return]


async def test_an_indicator_expires_by_the_servers_clock(server: InProcessServer) -> None:
    """The user need not report the end."""
    ann, bob, conversation, root = await _thread_of_two(server)
    async with ann.follow(conversation) as stream:
        await _type(bob, conversation, root, 10)
        assert await _next_update(stream) == (root, "2026-01-01T12:00:10.000001Z")
        server.clock.advance(9)
        assert len(await _indicators(ann, conversation)) == 1
        server.clock.advance(1)
        assert await _next_update(stream) == (root, STOPPED)

    assert await _indicators(ann, conversation) == []
    statistics = server.components.services.typing.statistics()
    assert statistics == {"conversations": 0, "users": 0}


async def test_the_end_of_an_indicator_is_sent_once(server: InProcessServer) -> None:
    """0 seconds end it; a second 0, or one for another thread, sends nothing."""
    ann, bob, conversation, root = await _thread_of_two(server)
    other_root = await ann.root(conversation)
    async with ann.follow(conversation) as stream:
        await _type(bob, conversation, root)
        for thread in (other_root, root, root):
            await _type(bob, conversation, thread, 0)
        await ann.root(conversation, "after")
        events = [await stream.next(seconds=60)]
        while events[-1]["type"] != "thread.new":
            events.append(await stream.next(seconds=60))

    updates = [event["payload"] for event in events if event["type"] == "typing.update"]
    assert [(update["root_id"], update["expires_at"] == STOPPED) for update in updates] == [
        (root, False),
        (root, True),
    ]


async def test_an_extension_is_sent_at_most_once_a_second(server: InProcessServer) -> None:
    """The same expiry time again sends nothing; a later one does."""
    ann, bob, conversation, root = await _thread_of_two(server)
    async with ann.follow(conversation) as stream:
        for _ in range(3):
            await _type(bob, conversation, root, 10)
        server.clock.advance(4)
        await _type(bob, conversation, root, 10)
        updates = [await _next_update(stream) for _ in range(2)]

    assert [expires_at for _, expires_at in updates] == [
        "2026-01-01T12:00:10.000001Z",
        "2026-01-01T12:00:14.000001Z",
    ]


async def test_a_user_types_in_one_thread_of_a_conversation(server: InProcessServer) -> None:
    """Typing in another thread ends the first indicator."""
    ann, bob, conversation, root = await _thread_of_two(server)
    other_root = await ann.root(conversation)
    async with ann.follow(conversation) as stream:
        await _type(bob, conversation, root)
        await _type(bob, conversation, other_root)
        updates = [await _next_update(stream) for _ in range(3)]

    assert [(thread, expires_at == STOPPED) for thread, expires_at in updates] == [
        (root, False),
        (root, True),
        (other_root, False),
    ]
    indicators = await _indicators(ann, conversation)
    assert [indicator["root_id"] for indicator in indicators] == [other_root]


async def test_a_posted_message_ends_the_indicator_of_its_thread(server: InProcessServer) -> None:
    """A message in another thread, or by another user, does not."""
    ann, bob, conversation, root = await _thread_of_two(server)
    other_root = await ann.root(conversation)
    await _type(bob, conversation, root)
    await bob.reply(other_root)
    await ann.reply(root)
    assert len(await _indicators(ann, conversation)) == 1
    async with ann.follow(conversation) as stream:
        await stream.next("stream.open")
        await bob.reply(root)
        assert await _next_update(stream) == (root, STOPPED)
    assert await _indicators(ann, conversation) == []


async def test_a_removal_ends_the_indicator(server: InProcessServer) -> None:
    """On streams and in snapshots."""
    ann, bob, conversation, root = await _thread_of_two(server)
    async with ann.follow(conversation) as stream:
        await _type(bob, conversation, root, 30)
        await _next_update(stream)
        participants = f"/api/conversations/{conversation}/participants"
        await ann.call("DELETE", f"{participants}/{bob.id}", expect=204)
        assert await _next_update(stream) == (root, STOPPED)
    assert await _indicators(ann, conversation) == []


async def test_a_snapshot_has_indicators_of_members_only(server: InProcessServer) -> None:
    """A process without streams of the conversation does not receive the removal."""
    ann, bob, conversation, root = await _thread_of_two(server)
    await _type(bob, conversation, root, 30)
    path = f"/api/conversations/{conversation}/participants/{bob.id}"
    await ann.call("DELETE", path, expect=204)

    assert await _indicators(ann, conversation) == []


async def test_the_number_of_indicators_is_limited(server: InProcessServer) -> None:
    """One more ends the indicator that would expire next."""
    ann, _, conversation, root = await _thread_of_two(server)
    typing = server.components.services.typing
    now = server.clock.now()
    user_ids = [uuid4() for _ in range(MAX_TYPING + 1)]
    for n, user_id in enumerate(user_ids):
        expires_at = now + timedelta(seconds=10 + n / 100)
        typing.on_typing(TypingChanged(UUID(conversation), UUID(root), user_id, expires_at))
    active = [indicator.user_id for indicator in typing.active(UUID(conversation))]

    assert active == user_ids[1:]
    assert await _indicators(ann, conversation) == [], "users who are no members are not shown"


async def test_an_indicator_of_another_process_expires_after_half_a_minute(
    server: InProcessServer,
) -> None:
    """Whatever expiry time its message has."""
    _, bob, conversation, root = await _thread_of_two(server)
    typing = server.components.services.typing
    expires_at = server.clock.now() + timedelta(days=9)
    typing.on_typing(TypingChanged(UUID(conversation), UUID(root), bob.id, expires_at))
    server.clock.advance(30)
    await asyncio.sleep(0)

    assert list(typing.active(UUID(conversation))) == []
