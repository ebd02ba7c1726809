"""Counts of unread messages on streams: told when a mark moves, and after posts."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.support.database.database_builder import DatabaseBuilder
from tests.support.servers.in_process_server import HttpUser, InProcessServer, SseStream

from rustygpt_server.db import threads
from rustygpt_server.services.unread import MAX_RECENT, ThreadCounts
from rustygpt_shared.models.conversations import UNREAD_MAX


async def _room(api: InProcessServer) -> tuple[HttpUser, HttpUser, str, str]:
    """Ann's room with Bob in it, and a thread of hers."""
    ann, bob = await api.person("ann"), await api.person("bob")
    room = await ann.conversation(is_group=True)
    body = {"user_id": str(bob.id), "role": "member"}
    await ann.post(f"/api/conversations/{room}/participants", body, expect=204)
    return ann, bob, room, await ann.root(room)


async def _seen(api: InProcessServer, stream: SseStream) -> list[dict[str, Any]]:
    """What comes until a count does, while time passes."""
    seen = []
    while not seen or seen[-1]["type"] != "unread.update":
        waiting = asyncio.create_task(stream.next())
        while not waiting.done():
            await asyncio.sleep(0.005)
            api.clock.advance(0.5)
        seen.append(waiting.result())
    return seen


async def _told(api: InProcessServer, stream: SseStream) -> int:
    """The count that comes when the interval is over."""
    return int((await _seen(api, stream))[-1]["payload"]["unread"])


async def test_a_mark_that_moves_is_told_to_ones_own_streams(server: InProcessServer) -> None:
    """Every stream of the person hears of it at once, nobody else's does."""
    ann, bob, room, root = await _room(server)
    async with bob.follow(room) as one, bob.follow(room) as two, ann.follow(room) as hers:
        for stream in (one, two, hers):
            await stream.next("stream.open")
        await bob.post(f"/api/threads/{root}/read", {})
        told = [await stream.next("unread.update", seconds=2) for stream in (one, two)]
        await bob.post(f"/api/threads/{root}/read", {})
        await ann.reply(root)
        after = [(await stream.next())["type"] for stream in (one, hers)]

    payload = {"conversation_id": room, "root_id": root, "user_id": str(bob.id), "unread": 0}
    assert [event["payload"] for event in told] == [payload, payload]
    assert "id" not in told[0]
    assert after == ["message.new", "message.new"], "a mark that stays is not told"


async def test_posts_are_counted_at_most_once_an_interval(server: InProcessServer) -> None:
    """Several posts make one count, and only for those who did not write them."""
    ann, bob, room, root = await _room(server)
    async with bob.follow(room) as his, ann.follow(room) as hers:
        for _ in range(3):
            await ann.reply(root)
        assert await _told(server, his) == 4
        await ann.reply(root)
        assert await _told(server, his) == 5
        await bob.post(f"/api/threads/{root}/read", {})
        assert await _told(server, his) == 0
        await ann.reply(root)
        assert await _told(server, his) == 1
        await bob.reply(root)
        assert await _told(server, hers) == 1
        await ann.reply(root)
        assert await _told(server, his) == 2


async def test_counts_are_those_of_a_fresh_list(server: InProcessServer) -> None:
    """What is told at the end is what REST shows."""
    ann, bob, room, root = await _room(server)
    other = await ann.root(room, "another thread")
    async with bob.follow(room) as stream:
        for parent in (root, other, root, root):
            await ann.reply(parent)
        counts = {}
        while len(counts) < 2:
            told = (await _seen(server, stream))[-1]["payload"]
            counts[told["root_id"]] = told["unread"]
    listed = (await bob.get(f"/api/conversations/{room}/unread"))["threads"]

    assert counts == {one["root_id"]: one["unread"] for one in listed} == {root: 4, other: 2}


async def test_the_database_counts_for_several(builder: DatabaseBuilder) -> None:
    """Pairs of thread and person have their own marks; who is not there is left out."""
    ada, bob, eve = [await builder.person(name) for name in ("ada", "bob", "eve")]
    room = await builder.conversation(ada, bob)
    root = (await builder.post(ada, room)).posted.message_id
    await builder.reply(ada, root)
    await threads.mark_read(builder.db, bob, root, None, root)
    counted = await threads.count_unread(builder.db, room, [(root, bob), (root, eve), (root, ada)])

    assert {(one.user_id, one.unread, one.position) for one in counted} == {
        (bob, 1, counted[0].position),
        (ada, 0, counted[0].position),
    }
    assert counted[0].position > 0


def test_a_tally_counts_what_others_wrote_after_a_position() -> None:
    """Messages that the database had counted already are not counted twice."""
    me, other = uuid4(), uuid4()
    tally = ThreadCounts()
    assert tally.count(me) is None
    for number in range(1, 6):
        tally.add_message(number, other)
    tally.add_message(6, me)
    tally.set_count(me, 3, 10)

    assert tally.count(me) == 12
    assert (tally.has_new_for(me, 5), tally.has_new_for(other, 5)) == (False, True)


def test_of_two_counts_the_smaller_is_right() -> None:
    """Marks never move back: an answer that comes late does not undo a newer one."""
    me, other = UUID(int=1), UUID(int=2)
    tally = ThreadCounts()
    tally.add_message(10, other)
    tally.set_count(me, 10, 2)
    tally.set_count(me, 9, 7)
    assert tally.count(me) == 2
    tally.set_count(me, 9, 0)
    assert tally.count(me) == 1


@pytest.mark.parametrize("known", [UNREAD_MAX, UNREAD_MAX - 1])
def test_counts_stop_at_a_thousand(known: int) -> None:
    """As those of the database do."""
    me, tally = uuid4(), ThreadCounts()
    tally.set_count(me, 0, known)
    for number in (1, 2):
        tally.add_message(number, None)

    assert tally.count(me) == UNREAD_MAX


def test_what_was_forgotten_has_to_be_asked_for() -> None:
    """A count from before the messages that are remembered is of no use."""
    me, tally = uuid4(), ThreadCounts()
    tally.set_count(me, 1, 0)
    for number in range(2, MAX_RECENT + 4):
        tally.add_message(number, None)

    assert tally.count(me) is None
    tally.set_count(me, MAX_RECENT + 3, 5)
    assert tally.count(me) == 5
    tally.retain_users(set())
    assert tally.count(me) is None
