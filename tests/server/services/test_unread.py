"""Unread counts on streams: sent when a read marker moves, and after posts."""

import asyncio
import random
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.support.database.database_builder import DatabaseBuilder
from tests.support.servers.in_process_server import HttpUser, InProcessServer, SseStream

from rustygpt_server.db import threads
from rustygpt_server.realtime.backplane_messages import ReadMarkerMoved
from rustygpt_server.services.unread import (
    MAX_RECENT,
    MAX_THREADS,
    MarkerVersions,
    ThreadCounts,
    UnreadCount,
)
from rustygpt_shared.models.conversations import UNREAD_MAX
from rustygpt_shared.requests import MarkRead


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


def _count(unread: int, *, position: int, version: int = 0) -> UnreadCount:
    """Return a count whose mark does not matter."""
    return UnreadCount(unread, 0, position, version)


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
            await stream.next("unread.update", seconds=60) for stream in (bobs_first, bobs_second)
        ]
        await bob.post(f"/api/threads/{root}/read", {})
        await ann.reply(root)
        next_types = [(await stream.next())["type"] for stream in (bobs_first, anns)]

    payload = {
        "conversation_id": conversation,
        "root_id": root,
        "user_id": str(bob.id),
        "unread": 0,
        "read_seq": 1,
    }
    assert [event["payload"] for event in updates] == [payload, payload]
    assert "id" not in updates[0]
    assert next_types == ["message.new", "message.new"]


async def test_a_marker_that_moves_back_is_sent(server: InProcessServer) -> None:
    """Counts of later messages start from there; viewers may move their markers, too."""
    ann, bob, conversation, root = await _thread_of_two(server)
    body = {"user_id": str(bob.id), "role": "viewer"}
    await ann.post(f"/api/conversations/{conversation}/participants", body, expect=204)
    reply = await ann.reply(root)
    async with bob.follow(conversation) as stream:
        await stream.next("stream.open")
        await ann.reply(root)
        assert await _next_count(server, stream) == 3
        await bob.post(f"/api/threads/{root}/read", {})
        assert await _next_count(server, stream) == 0
        moved = await bob.post(f"/api/threads/{root}/unread", {"message_id": reply})
        update = (await _events_until_count(server, stream))[-1]["payload"]
        await ann.reply(root)
        assert await _next_count(server, stream) == 3
    assert moved == {"root_id": root, "unread": 2, "read_seq": 1}
    assert (update["unread"], update["read_seq"]) == (2, 1)


@pytest.mark.parametrize("seed", range(4))
async def test_the_last_count_of_moves_in_two_processes_is_the_truth(
    builder: DatabaseBuilder, seed: int
) -> None:
    """In whichever order a process learns of the moves and of the messages between them."""
    rng = random.Random(seed)
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada, bob)
    root = (await builder.post(ada, conversation_id)).posted.message_id
    ids, numbers, moves = [root], [3], []
    for _ in range(30):
        if rng.random() < 0.5:
            written = await builder.reply(ada, root)
            ids.append(written.posted.message_id)
            numbers.append(written.events[0].number)
        elif rng.random() < 0.5:
            moves.append(await threads.mark_unread(builder.db, bob, root, rng.choice(ids)))
        else:
            mark = MarkRead(message_id=rng.choice(ids))
            moves.append(await threads.mark_read(builder.db, bob, root, mark))
    counts = ThreadCounts()
    late_moves = rng.sample(moves, len(moves))
    for number in numbers:
        counts.add_message(number, ada)
        if late_moves and rng.random() < 0.7:
            counts.set_count(bob, _count_of(late_moves.pop()))
    for move in late_moves:
        counts.set_count(bob, _count_of(move))
    (row,) = await threads.count_unread(builder.db, conversation_id, [(root, bob)])
    current = counts.count(bob)

    assert current
    assert (current.unread, current.read_seq) == (row.unread, row.read_seq)


def _count_of(marker: threads.ReadMarker) -> UnreadCount:
    return UnreadCount(marker.unread, marker.read_seq, marker.position, marker.version)


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


async def test_more_threads_than_are_kept_in_memory_have_counts(server: InProcessServer) -> None:
    """Those that were forgotten before their counts were sent are queried."""
    ann, bob, conversation, _ = await _thread_of_two(server)
    roots = [await ann.root(conversation, f"thread {number}") for number in range(MAX_THREADS + 4)]
    counts: dict[str, int] = {}
    async with bob.follow(conversation) as stream:
        await stream.next("stream.open")
        for root in roots:
            await ann.reply(root)
        while counts != dict.fromkeys(roots, 2):
            payload = (await _events_until_count(server, stream))[-1]["payload"]
            counts[payload["root_id"]] = payload["unread"]


async def test_one_query_counts_for_several_users(builder: DatabaseBuilder) -> None:
    """Each pair of thread and user has its own marker; users who are no members are left out."""
    ada, bob, eve = [await builder.person(name) for name in ("ada", "bob", "eve")]
    conversation_id = await builder.conversation(ada, bob)
    root = (await builder.post(ada, conversation_id)).posted.message_id
    await builder.reply(ada, root)
    await threads.mark_read(builder.db, bob, root, MarkRead(message_id=root))
    rows = await threads.count_unread(
        builder.db, conversation_id, [(root, bob), (root, eve), (root, ada)]
    )

    position = rows[0].position
    assert {(row.user_id, row.unread, row.position) for row in rows} == {
        (bob, 1, position),
        (ada, 0, position),
    }
    assert position > 0


def test_a_move_that_arrives_late_is_ignored() -> None:
    """A process may learn of a move by the backplane after it made a later one itself."""
    moves = [
        ReadMarkerMoved(UUID(int=1), UUID(int=2), UUID(int=3), unread, 5, 9, version)
        for unread, version in ((4, 1), (0, 2), (4, 3))
    ]
    versions = MarkerVersions()
    assert [versions.advance(moves[number]) for number in (1, 0, 2, 1, 2)] == [
        True,
        False,
        True,
        False,
        True,
    ]


def test_messages_after_the_position_of_a_count_are_added() -> None:
    """Messages that the database has counted are not counted twice, own ones never."""
    me = uuid4()
    other = uuid4()
    counts = ThreadCounts()
    assert counts.count(me) is None
    for number in range(1, 6):
        counts.add_message(number, other)
    counts.add_message(6, me)
    counts.set_count(me, _count(10, position=3))

    assert counts.count(me) == _count(12, position=6)
    assert not counts.has_new_for(me, 5)
    assert counts.has_new_for(other, 5)


def test_of_two_counts_the_one_with_the_later_marker_is_used() -> None:
    """Also if it is larger, because markers move back; of two with one marker the later one."""
    me = UUID(int=1)
    other = UUID(int=2)
    counts = ThreadCounts()
    counts.add_message(10, other)
    counts.set_count(me, _count(2, position=10, version=1))
    counts.set_count(me, _count(7, position=9, version=1))
    assert counts.count(me) == _count(2, position=10, version=1)
    counts.set_count(me, _count(7, position=9, version=2))
    assert counts.count(me) == _count(8, position=10, version=2)
    counts.set_count(me, _count(0, position=10, version=1))
    assert counts.count(me) == _count(8, position=10, version=2)


@pytest.mark.parametrize("start", [UNREAD_MAX, UNREAD_MAX - 1])
def test_counts_stop_at_a_thousand(start: int) -> None:
    """Like those of the database."""
    me = uuid4()
    counts = ThreadCounts()
    counts.set_count(me, _count(start, position=0))
    for number in (1, 2):
        counts.add_message(number, None)

    assert counts.count(me) == _count(UNREAD_MAX, position=2)


def test_a_count_from_before_the_first_remembered_message_is_queried_again() -> None:
    """The thread may have been forgotten in between, with messages that are not in the count."""
    me = uuid4()
    counts = ThreadCounts()
    counts.add_message(50, None)
    counts.set_count(me, _count(1, position=40))

    assert counts.count(me) is None
    counts.set_count(me, _count(3, position=50))
    assert counts.count(me) == _count(3, position=50)


def test_a_count_older_than_the_remembered_messages_is_queried_again() -> None:
    """Messages between the two may be missing."""
    me = uuid4()
    counts = ThreadCounts()
    counts.set_count(me, _count(0, position=1))
    for number in range(2, MAX_RECENT + 4):
        counts.add_message(number, None)

    assert counts.count(me) is None
    counts.set_count(me, _count(5, position=MAX_RECENT + 3))
    assert counts.count(me) == _count(5, position=MAX_RECENT + 3)
    counts.retain_users(set())
    assert counts.count(me) is None
