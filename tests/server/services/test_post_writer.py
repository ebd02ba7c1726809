"""Posts that wait together are written in one statement."""

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


class PostHarness:
    """A post writer, and a user with conversations to post to."""

    def __init__(self, builder: DatabaseBuilder, actor: UUID, conversation_ids: list[UUID]) -> None:
        self.builder = builder
        self.actor = actor
        self.conversation_ids = conversation_ids
        self.writer = PostWriter(builder.db, builder.new_claim, FakeClock())

    @classmethod
    async def create(cls, builder: DatabaseBuilder, count: int) -> "PostHarness":
        """Create a user with this number of conversations."""
        ada = await builder.person("ada")
        return cls(builder, ada, [await builder.conversation(ada) for _ in range(count)])

    def post(self, conversation_id: UUID, text: str = "hi") -> asyncio.Task[PostResult]:
        """Start to write a post."""
        message = NewMessage(self.builder.id(), text)
        post = Post(self.actor, message, conversation_id=conversation_id)
        return asyncio.create_task(self.writer.write(post))


async def test_many_posts_need_few_statements(server: InProcessServer) -> None:
    """64 concurrent posts have results of their own, and subscribers get all in order."""
    ann = await server.person("ann")
    conversation = await ann.conversation()
    root = await ann.root(conversation)
    before = server.statements
    async with ann.follow(conversation) as stream:
        await stream.next("stream.open")
        ids = await asyncio.gather(*(ann.reply(root, str(n)) for n in range(64)))
        events = [await stream.next("message.new") for _ in range(64)]

    assert len(set(ids)) == 64
    numbers = [int(event["id"].removeprefix("evt_")) for event in events]
    assert numbers == sorted(numbers)
    assert server.statements - before < 32


async def test_a_rejection_is_raised_to_its_caller_only(builder: DatabaseBuilder) -> None:
    """The other posts of the statement are written."""
    harness = await PostHarness.create(builder, 1)
    (conversation_id,) = harness.conversation_ids
    posts = [harness.post(one) for one in (conversation_id, builder.id(), conversation_id)]
    results = await asyncio.gather(*posts, return_exceptions=True)

    assert [type(result) for result in results] == [PostResult, NotFound, PostResult]


async def test_a_locked_conversation_delays_only_its_own_posts(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """It takes one connection for all its posts, which are written once the lock is released."""
    harness = await PostHarness.create(builder, 2)
    locked, free = harness.conversation_ids
    async with superuser.transaction():
        await superuser.execute(
            "SELECT 1 FROM rustygpt.conversations WHERE id = $1 FOR NO KEY UPDATE", locked
        )
        waiting = [harness.post(locked, str(n)) for n in range(20)]
        await until(lambda: harness.writer.statistics() == {"lanes": 1, "in_lanes": 20})
        for _ in range(3):
            await harness.post(free)
        assert builder.db.in_use == 1
        assert not any(task.done() for task in waiting)
    results = await asyncio.gather(*waiting)

    numbers = sorted(event.number for result in results for event in result.events)
    assert numbers == list(range(1, 41))
    assert harness.writer.statistics() == {"lanes": 0, "in_lanes": 0}


async def test_a_post_to_a_conversation_that_stays_locked_fails(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """After the lock timeout, like every other change; later posts succeed."""
    harness = await PostHarness.create(builder, 1)
    (conversation_id,) = harness.conversation_ids
    async with superuser.transaction():
        await superuser.execute("SELECT 1 FROM rustygpt.conversations FOR NO KEY UPDATE")
        with pytest.raises(Unavailable):
            await harness.post(conversation_id)
    assert isinstance(await harness.post(conversation_id), PostResult)

    events = await db_events.read_events(builder.db, conversation_id, 0, 10)
    assert [event.number for event in events] == [1, 2]
