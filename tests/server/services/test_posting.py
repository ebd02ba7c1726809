"""Posts that wait are written together."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from tests.support.api import Api
from tests.support.clocks import TestClock
from tests.support.scene import Scene
from tests.support.waiting import until

from rustygpt_server.db import feeds
from rustygpt_server.db.messages import Draft, Post, Written
from rustygpt_server.db.refusals import NotFound, Unavailable
from rustygpt_server.services.posting import Posting


class Desk:
    """Somebody with conversations, and a way to post."""

    def __init__(self, scene: Scene, actor: UUID, rooms: list[UUID]) -> None:
        self.scene = scene
        self.actor = actor
        self.rooms = rooms
        self.posting = Posting(scene.db, scene.answering, TestClock())

    @classmethod
    async def begin(cls, scene: Scene, rooms: int) -> "Desk":
        """So many conversations."""
        ada = await scene.person("ada")
        return cls(scene, ada, [await scene.room(ada) for _ in range(rooms)])

    def post(self, room: UUID, text: str = "hi") -> asyncio.Task[Written]:
        """Write, beside all else."""
        post = Post(self.actor, Draft(self.scene.id(), text), conversation_id=room)
        return asyncio.create_task(self.posting.write(post))


async def test_many_posts_are_few_statements(api: Api) -> None:
    """64 people post at once; each gets an answer of its own, and readers get all in order."""
    ann = await api.person("ann")
    room = await ann.conversation()
    root = await ann.root(room)
    before = api.statements
    async with ann.follow(room) as stream:
        await stream.next("stream.open")
        ids = await asyncio.gather(*(ann.reply(root, str(n)) for n in range(64)))
        events = [await stream.next("message.new") for _ in range(64)]

    assert len(set(ids)) == 64
    numbers = [int(event["id"].removeprefix("evt_")) for event in events]
    assert numbers == sorted(numbers)
    assert api.statements - before < 32


async def test_a_refusal_is_raised_to_its_author(scene: Scene) -> None:
    """The others in the statement do not notice."""
    desk = await Desk.begin(scene, 1)
    tasks = [desk.post(room) for room in (desk.rooms[0], scene.id(), desk.rooms[0])]
    told = await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(one) for one in told] == [Written, NotFound, Written]


async def test_a_stuck_conversation_holds_up_its_own_only(scene: Scene, owner: Any) -> None:
    """It takes one connection, however many post there; they go on when it does, in one go."""
    desk = await Desk.begin(scene, 2)
    stuck, free = desk.rooms
    async with owner.transaction():
        await owner.execute(
            "SELECT 1 FROM rustygpt.conversations WHERE id = $1 FOR NO KEY UPDATE", stuck
        )
        waiting = [desk.post(stuck, str(n)) for n in range(20)]
        await until(lambda: desk.posting._in_lane[stuck] == 20)
        for _ in range(3):
            await desk.post(free)
        assert scene.db.in_use == 1
        assert not any(task.done() for task in waiting)
    written = await asyncio.gather(*waiting)

    assert sorted(event.number for one in written for event in one.events) == list(range(1, 41))
    assert not desk.posting._lanes


async def test_a_conversation_that_stays_stuck_is_given_up(scene: Scene, owner: Any) -> None:
    """After the time that a lock is waited for, as for every other change."""
    desk = await Desk.begin(scene, 1)
    async with owner.transaction():
        await owner.execute("SELECT 1 FROM rustygpt.conversations FOR NO KEY UPDATE")
        with pytest.raises(Unavailable):
            await desk.post(desk.rooms[0])
    assert isinstance(await desk.post(desk.rooms[0]), Written)

    events = await feeds.read_events(scene.db, desk.rooms[0], 0, 10)
    assert [event.number for event in events] == [1, 2]
