"""Posts that wait are written together."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from tests.support.database.database_builder import DatabaseBuilder
from tests.support.fakes.fake_clock import FakeClock
from tests.support.servers.in_process_server import InProcessServer
from tests.support.wait import until

from rustygpt_server.db import events as db_events
from rustygpt_server.db.messages import NewMessage, Post, PostResult
from rustygpt_server.errors import NotFound, Unavailable
from rustygpt_server.services.post_writer import PostWriter


class Desk:
    """Somebody with conversations, and a way to post."""

    def __init__(self, scene: DatabaseBuilder, actor: UUID, rooms: list[UUID]) -> None:
        self.scene = scene
        self.actor = actor
        self.rooms = rooms
        self.posting = PostWriter(scene.db, scene.new_claim, FakeClock())

    @classmethod
    async def begin(cls, scene: DatabaseBuilder, rooms: int) -> "Desk":
        """So many conversations."""
        ada = await scene.person("ada")
        return cls(scene, ada, [await scene.conversation(ada) for _ in range(rooms)])

    def post(self, room: UUID, text: str = "hi") -> asyncio.Task[PostResult]:
        """Write, beside all else."""
        post = Post(self.actor, NewMessage(self.scene.id(), text), conversation_id=room)
        return asyncio.create_task(self.posting.write(post))


async def test_many_posts_are_few_statements(server: InProcessServer) -> None:
    """64 people post at once; each gets an answer of its own, and readers get all in order."""
    ann = await server.person("ann")
    room = await ann.conversation()
    root = await ann.root(room)
    before = server.statements
    async with ann.follow(room) as stream:
        await stream.next("stream.open")
        ids = await asyncio.gather(*(ann.reply(root, str(n)) for n in range(64)))
        events = [await stream.next("message.new") for _ in range(64)]

    assert len(set(ids)) == 64
    numbers = [int(event["id"].removeprefix("evt_")) for event in events]
    assert numbers == sorted(numbers)
    assert server.statements - before < 32


async def test_a_refusal_is_raised_to_its_author(builder: DatabaseBuilder) -> None:
    """The others in the statement do not notice."""
    desk = await Desk.begin(builder, 1)
    tasks = [desk.post(room) for room in (desk.rooms[0], builder.id(), desk.rooms[0])]
    told = await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(one) for one in told] == [PostResult, NotFound, PostResult]


async def test_a_stuck_conversation_holds_up_its_own_only(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """It takes one connection, however many post there; they go on when it does, in one go."""
    desk = await Desk.begin(builder, 2)
    stuck, free = desk.rooms
    async with superuser.transaction():
        await superuser.execute(
            "SELECT 1 FROM rustygpt.conversations WHERE id = $1 FOR NO KEY UPDATE", stuck
        )
        waiting = [desk.post(stuck, str(n)) for n in range(20)]
        await until(lambda: desk.posting._lane_users[stuck] == 20)
        for _ in range(3):
            await desk.post(free)
        assert builder.db.in_use == 1
        assert not any(task.done() for task in waiting)
    written = await asyncio.gather(*waiting)

    assert sorted(event.number for one in written for event in one.events) == list(range(1, 41))
    assert not desk.posting._lanes


async def test_a_conversation_that_stays_stuck_is_given_up(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """After the time that a lock is waited for, as for every other change."""
    desk = await Desk.begin(builder, 1)
    async with superuser.transaction():
        await superuser.execute("SELECT 1 FROM rustygpt.conversations FOR NO KEY UPDATE")
        with pytest.raises(Unavailable):
            await desk.post(desk.rooms[0])
    assert isinstance(await desk.post(desk.rooms[0]), PostResult)

    events = await db_events.read_events(builder.db, desk.rooms[0], 0, 10)
    assert [event.number for event in events] == [1, 2]
