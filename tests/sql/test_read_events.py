"""What participants are known to have read: threads that lists of unread ones need not visit."""

import random
from typing import Any
from uuid import UUID

import pytest
from tests.support.database.database_builder import DatabaseBuilder

from rustygpt_server.db import conversations, messages, participants, threads
from rustygpt_shared.models.messages import PostedMessage
from rustygpt_shared.requests import MarkRead

_UNREAD = """
SELECT m.root_id, count(*) FROM rustygpt.messages m
  JOIN rustygpt.participants p ON p.conversation_id = m.conversation_id AND p.user_id = $2
  LEFT JOIN rustygpt.read_markers r ON r.user_id = $2 AND r.root_id = m.root_id
WHERE m.conversation_id = $1 AND m.created_event > p.joined_at_event
  AND m.seq > COALESCE(r.read_seq, 0) AND m.deleted_at IS NULL
  AND m.author_user_id IS DISTINCT FROM $2
GROUP BY m.root_id
"""
"""The definition of what is unread, which visits every message."""
_READ_EVENT = "SELECT read_event FROM rustygpt.participants WHERE user_id = $1"


async def _check_lists(builder: DatabaseBuilder, superuser: Any, user: UUID, where: UUID) -> None:
    """Check that the lists show what the definition counts."""
    expected = {row[0]: row[1] for row in await superuser.fetch(_UNREAD, where, user)}
    listed = (await threads.list_unread(builder.db, user, where)).items
    shown = await conversations.show_conversation(builder.db, user, where)

    assert {thread.root_id: thread.unread for thread in listed} == expected
    assert shown.unread == sum(expected.values())


class _Group:
    """A conversation of Ada, who owns it, and Bob; each method is one random change of it."""

    def __init__(
        self, builder: DatabaseBuilder, people: list[UUID], where: UUID, seed: int
    ) -> None:
        self._builder = builder
        self._db = builder.db
        self._source = random.Random(seed)
        self.people = people
        self.where = where
        self.posted: list[PostedMessage] = []
        self._deleted: list[UUID] = []

    async def change(self) -> None:
        """Make one change of a random kind."""
        changes = [self.post, self.reply, *[self.read] * 4, self.unread, self.delete]
        await self._source.choice([*changes, self.restore, self.join_again])()

    async def post(self) -> None:
        self.posted.append((await self._builder.post(self._person(), self.where)).posted)

    async def reply(self) -> None:
        parent = self._message().message_id
        self.posted.append((await self._builder.reply(self._person(), parent)).posted)

    async def read(self) -> None:
        await threads.mark_read(self._db, self._person(), self._message().root_id, MarkRead())

    async def unread(self) -> None:
        message = self._message()
        user = self._person()
        await threads.mark_unread(self._db, user, message.root_id, message.message_id)

    async def delete(self) -> None:
        self._deleted.append(self._message().message_id)
        change = (self._db, self.people[0], self._deleted[-1], None)
        await messages.delete_message(*change, self._builder.now)

    async def restore(self) -> None:
        if self._deleted:
            change = (self._db, self.people[0], self._deleted.pop())
            await messages.restore_message(*change, self._builder.now)

    async def join_again(self) -> None:
        change = (self._db, self.people[0], self.where, self.people[1])
        await participants.remove_participant(*change, self._builder.now)
        await participants.add_participant(*change, "member", self._builder.now)

    def _person(self) -> UUID:
        return self._source.choice(self.people)

    def _message(self) -> PostedMessage:
        return self._source.choice(self.posted)


@pytest.mark.parametrize("seed", range(3))
async def test_lists_show_all_that_is_unread(
    builder: DatabaseBuilder, superuser: Any, seed: int
) -> None:
    """Whatever is posted, read, marked as unread, deleted, restored, and who joins again."""
    people = [await builder.person("ada"), await builder.person("bob")]
    group = _Group(builder, people, await builder.conversation(*people), seed)
    for _ in range(3):
        await group.post()
    for _ in range(80):
        await group.change()
        for person in people:
            await _check_lists(builder, superuser, person, group.where)


async def test_read_threads_are_not_visited_again(builder: DatabaseBuilder, superuser: Any) -> None:
    """The event moves on with each thread that is read, and back with one marked as unread."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    where = await builder.conversation(ada, bob)
    roots = [(await builder.post(ada, where)).posted.root_id for _ in range(40)]
    last = (await conversations.show_conversation(builder.db, bob, where)).last_event_id
    for root in roots:
        await threads.mark_read(builder.db, bob, root, MarkRead())
    assert f"evt_{await superuser.fetchval(_READ_EVENT, bob)}" == last

    await threads.mark_unread(builder.db, bob, roots[3], roots[3])
    listed = (await threads.list_unread(builder.db, bob, where)).items
    assert [thread.root_id for thread in listed] == [roots[3]]
    assert await superuser.fetchval(_READ_EVENT, bob) < await superuser.fetchval(
        "SELECT last_created_event FROM rustygpt.threads WHERE root_id = $1", roots[3]
    )
    await threads.mark_read(builder.db, bob, roots[3], MarkRead())
    assert f"evt_{await superuser.fetchval(_READ_EVENT, bob)}" == last
