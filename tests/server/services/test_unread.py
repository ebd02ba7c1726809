"""Unread counts on streams: sent when a read marker moves, and after posts."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.support.database.database_builder import DatabaseBuilder
from tests.support.servers.in_process_server import HttpUser, InProcessServer, SseStream

from rustygpt_server.db import threads
from rustygpt_server.services.unread import MAX_RECENT, ThreadCounts
from rustygpt_shared.models.conversations import UNREAD_MAX


async def _thread_of_two(server: InProcessServer) -> tuple[HttpUser, HttpUser, str, str]:
    """Create a conversation of Ann's with Bob in it, and a thread."""
    ann = await server.person("ann")
    bob = await server.person("bob")
    conversation = await ann.conversation(is_group=True)
    body = {"user_id": str(bob.id), "role": "member"}
    await ann.post(f"/api/conversations/{conversation}/participants", body, expect=204)
    return ann, bob, conversation, await ann.root(conversation)


async def _events_until_count(server: InProcessServer, stream: SseStream) -> list[dict[str, Any]]:
    """Return the events up to the next count, and advance the clock meanwhile."""
    events: list[dict[str, Any]] = []
    while not events or events[-1]["type"] != "unread.update":
        next_event = asyncio.create_task(stream.next())
        while not next_event.done():
            await asyncio.sleep(0.005)
            server.clock.advance(0.5)
        events.append(next_event.result())
    return events


async def _next_count(server: InProcessServer, stream: SseStream) -> int:
    return int((await _events_until_count(server, stream))[-1]["payload"]["unread"])


async def test_a_read_marker_that_moves_is_sent_to_the_users_own_streams(
    server: InProcessServer,
) -> None:
    """To all of them at once, and to no other user's; a marker that does not move is not sent."""
    ann, bob, conversation, root = await _thread_of_two(server)
    async with (
        bob.follow(conversation) as bobs_first,
        bob.follow(conversation) as bobs_second,
        ann.follow(conversation) as anns,
    ):
        for stream in (bobs_first, bobs_second, anns):
            await stream.next("stream.open")
        await bob.post(f"/api/threads/{root}/read", {})
        updates = [
            await stream.next("unread.update", seconds=2) for stream in (bobs_first, bobs_second)
        ]
        await bob.post(f"/api/threads/{root}/read", {})
        await ann.reply(root)
        next_types = [(await stream.next())["type"] for stream in (bobs_first, anns)]

    payload = {
        "conversation_id": conversation,
        "root_id": root,
        "user_id": str(bob.id),
        "unread": 0,
    }
    assert [event["payload"] for event in updates] == [payload, payload]
    assert "id" not in updates[0]
    assert next_types == ["message.new", "message.new"]


async def test_counts_are_sent_at_most_once_per_interval(server: InProcessServer) -> None:
    """Several posts lead to one count, and only for users who did not write them."""
    ann, bob, conversation, root = await _thread_of_two(server)
    async with bob.follow(conversation) as bobs, ann.follow(conversation) as anns:
        for _ in range(3):
            await ann.reply(root)
        assert await _next_count(server, bobs) == 4
        await ann.reply(root)
        assert await _next_count(server, bobs) == 5
        await bob.post(f"/api/threads/{root}/read", {})
        assert await _next_count(server, bobs) == 0
        await ann.reply(root)
        assert await _next_count(server, bobs) == 1
        await bob.reply(root)
        assert await _next_count(server, anns) == 1
        await ann.reply(root)
        assert await _next_count(server, bobs) == 2


async def test_counts_on_streams_equal_those_of_a_list(server: InProcessServer) -> None:
    """The last count of each thread is what REST returns."""
    ann, bob, conversation, root = await _thread_of_two(server)
    other_root = await ann.root(conversation, "another thread")
    async with bob.follow(conversation) as stream:
        for parent in (root, other_root, root, root):
            await ann.reply(parent)
        counts = {}
        while len(counts) < 2:
            payload = (await _events_until_count(server, stream))[-1]["payload"]
            counts[payload["root_id"]] = payload["unread"]
    listed = (await bob.get(f"/api/conversations/{conversation}/unread"))["threads"]

    assert {thread["root_id"]: thread["unread"] for thread in listed} == counts
    assert counts == {root: 4, other_root: 2}


async def test_one_query_counts_for_several_users(builder: DatabaseBuilder) -> None:
    """Each pair of thread and user has its own marker; users who are no members are left out."""
    ada, bob, eve = [await builder.person(name) for name in ("ada", "bob", "eve")]
    conversation_id = await builder.conversation(ada, bob)
    root = (await builder.post(ada, conversation_id)).posted.message_id
    await builder.reply(ada, root)
    await threads.mark_read(builder.db, bob, root, None, root)
    rows = await threads.count_unread(
        builder.db, conversation_id, [(root, bob), (root, eve), (root, ada)]
    )

    position = rows[0].position
    assert {(row.user_id, row.unread, row.position) for row in rows} == {
        (bob, 1, position),
        (ada, 0, position),
    }
    assert position > 0


def test_messages_after_the_position_of_a_count_are_added() -> None:
    """Messages that the database has counted are not counted twice, own ones never."""
    me = uuid4()
    other = uuid4()
    counts = ThreadCounts()
    assert counts.count(me) is None
    for number in range(1, 6):
        counts.add_message(number, other)
    counts.add_message(6, me)
    counts.set_count(me, 3, 10)

    assert counts.count(me) == 12
    assert not counts.has_new_for(me, 5)
    assert counts.has_new_for(other, 5)


def test_the_smaller_of_two_counts_is_used() -> None:
    """Read markers never move back: a result that arrives late does not replace a newer one."""
    me = UUID(int=1)
    other = UUID(int=2)
    counts = ThreadCounts()
    counts.add_message(10, other)
    counts.set_count(me, 10, 2)
    counts.set_count(me, 9, 7)
    assert counts.count(me) == 2
    counts.set_count(me, 9, 0)
    assert counts.count(me) == 1


@pytest.mark.parametrize("start", [UNREAD_MAX, UNREAD_MAX - 1])
def test_counts_stop_at_a_thousand(start: int) -> None:
    """Like those of the database."""
    me = uuid4()
    counts = ThreadCounts()
    counts.set_count(me, 0, start)
    for number in (1, 2):
        counts.add_message(number, None)

    assert counts.count(me) == UNREAD_MAX


def test_a_count_older_than_the_remembered_messages_is_queried_again() -> None:
    """Messages between the two may be missing."""
    me = uuid4()
    counts = ThreadCounts()
    counts.set_count(me, 1, 0)
    for number in range(2, MAX_RECENT + 4):
        counts.add_message(number, None)

    assert counts.count(me) is None
    counts.set_count(me, MAX_RECENT + 3, 5)
    assert counts.count(me) == 5
    counts.retain_users(set())
    assert counts.count(me) is None
