"""Read markers and unread counts: the procedures in sql/procedures/threads that concern them."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from tests.support.database.database_builder import DatabaseBuilder
from tests.support.database.row_locks import until_blocked

from rustygpt_server.db import conversations, participants, threads
from rustygpt_server.db.threads import ReadMarker
from rustygpt_server.errors import NotFound
from rustygpt_shared.models.conversations import FirstUnread, ThreadSummary, ThreadUnread
from rustygpt_shared.requests import MarkRead


async def thread_of(builder: DatabaseBuilder, actor: UUID, conversation_id: UUID) -> ThreadSummary:
    """Return the only thread of a conversation, as its participant sees it."""
    (thread,) = (await threads.list_threads(builder.db, actor, conversation_id, None, 10)).items
    return thread


async def unread_of(
    builder: DatabaseBuilder, actor: UUID, conversation_id: UUID
) -> list[ThreadUnread]:
    """Return the threads with unread messages."""
    return (await threads.list_unread(builder.db, actor, conversation_id)).items


def state_of(marker: ReadMarker) -> tuple[int, int, bool]:
    """Return read_seq, unread and whether the marker moved."""
    return marker.read_seq, marker.unread, marker.moved


async def test_messages_of_others_after_the_read_marker_are_unread(
    builder: DatabaseBuilder,
) -> None:
    """The counts in all three lists are equal."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada, bob)
    root = (await builder.post(ada, conversation_id)).posted.message_id
    await builder.reply(bob, root)
    second = (await builder.reply(ada, root)).posted.message_id
    await builder.reply(ada, second)

    async def unread() -> int:
        listed = (await threads.list_unread(builder.db, bob, conversation_id)).items
        (thread,) = (await threads.list_threads(builder.db, bob, conversation_id, None, 10)).items
        shown = await conversations.show_conversation(builder.db, bob, conversation_id)
        assert [(row.root_id, row.unread, row.read_seq) for row in listed] == (
            [(root, thread.unread, thread.read_seq)] if thread.unread else []
        )
        assert shown.unread == thread.unread
        return thread.unread

    assert await unread() == 3
    marked = await threads.mark_read(builder.db, bob, root, MarkRead(message_id=second))
    assert marked.unread == await unread() == 1
    marked = await threads.mark_read(builder.db, bob, root, MarkRead(message_id=root))
    assert marked.unread == await unread() == 1, "a mark never moves back"
    marked = await threads.mark_read(builder.db, bob, root, MarkRead())
    assert marked.unread == await unread() == 0


async def test_a_read_marker_may_be_set_by_path(builder: DatabaseBuilder) -> None:
    """An unknown path, and a message of another thread, are refused."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada, bob)
    root = (await builder.post(ada, conversation_id)).posted.message_id
    await builder.reply(ada, root)
    other = (await builder.post(ada, conversation_id)).posted.message_id
    marked = await threads.mark_read(builder.db, bob, root, MarkRead(path="V"))
    assert marked.unread == 1
    for path, message in (("no", None), (None, other), (None, builder.id())):
        with pytest.raises(NotFound):
            await threads.mark_read(builder.db, bob, root, MarkRead(path=path, message_id=message))
    with pytest.raises(NotFound):
        await threads.mark_read(builder.db, await builder.person("eve"), root, MarkRead())


async def test_unread_counts_stop_at_1_000(builder: DatabaseBuilder, superuser: Any) -> None:
    """For a thread and for a conversation."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada, bob)
    root = (await builder.post(ada, conversation_id)).posted.message_id
    await builder.reply(ada, root)
    await superuser.execute(
        """
        INSERT INTO rustygpt.messages
          (id, root_id, conversation_id, role, content, path, depth, seq, created_at, created_event)
        SELECT gen_random_uuid(), $1, $2, 'user', 'x', 'Z' || n, 2, n, $3, n
        FROM generate_series(10, 1500) AS n
        """,
        root,
        conversation_id,
        builder.now,
    )
    (thread,) = (await threads.list_threads(builder.db, bob, conversation_id, None, 10)).items
    assert thread.unread == 1000
    assert (await conversations.show_conversation(builder.db, bob, conversation_id)).unread == 1000


async def test_a_read_marker_may_be_set_by_seq(builder: DatabaseBuilder) -> None:
    """A seq beyond the last message is the end of the thread; it never moves back."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada, bob)
    root = (await builder.post(ada, conversation_id)).posted.message_id
    for _ in range(3):
        await builder.reply(ada, root)

    async def mark(seq: int) -> tuple[int, int, bool]:
        return state_of(await threads.mark_read(builder.db, bob, root, MarkRead(seq=seq)))

    assert await mark(0) == (0, 4, False)
    assert await mark(2) == (2, 2, True)
    assert await mark(1) == (2, 2, False)
    assert await mark(2**53) == (4, 0, True)
    await builder.reply(ada, root)
    assert (await thread_of(builder, bob, conversation_id)).read_seq == 4


async def test_a_marker_may_be_set_before_a_message(builder: DatabaseBuilder) -> None:
    """It moves back only, and its version increases with every move."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada, bob)
    root = (await builder.post(ada, conversation_id)).posted.message_id
    second, third = [(await builder.reply(ada, root)).posted.message_id for _ in range(2)]
    await threads.mark_read(builder.db, bob, root, MarkRead())

    markers = [
        await threads.mark_unread(builder.db, bob, root, message)
        for message in (second, second, third, root)
    ]
    assert [state_of(marker) for marker in markers] == [
        (1, 2, True),
        (1, 2, False),
        (1, 2, False),
        (0, 3, True),
    ]
    assert [marker.version for marker in markers] == [2, 2, 2, 3]
    other = (await builder.post(ada, conversation_id)).posted.message_id
    for actor, message in ((bob, other), (await builder.person("eve"), root)):
        with pytest.raises(NotFound):
            await threads.mark_unread(builder.db, actor, root, message)


async def test_joining_marks_all_messages_as_read(builder: DatabaseBuilder) -> None:
    """Also those of threads without a marker; messages from before can never be marked unread."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada)
    root = (await builder.post(ada, conversation_id)).posted.message_id
    await builder.reply(ada, root)
    await participants.add_participant(builder.db, ada, conversation_id, bob, "viewer", builder.now)
    assert (await thread_of(builder, bob, conversation_id)).read_seq == 2
    third = (await builder.reply(ada, root)).posted.message_id
    thread = await thread_of(builder, bob, conversation_id)
    assert (thread.read_seq, thread.unread) == (2, 1)

    marker = await threads.mark_unread(builder.db, bob, root, root)
    assert state_of(marker) == (2, 1, False)
    await threads.mark_read(builder.db, bob, root, MarkRead())
    marker = await threads.mark_unread(builder.db, bob, root, root)
    assert state_of(marker) == (2, 1, True)
    (row,) = await unread_of(builder, bob, conversation_id)
    assert (row.unread, row.read_seq) == (1, 2)
    assert row.first_unread
    assert row.first_unread.message_id == third


async def test_joining_again_marks_all_messages_as_read(builder: DatabaseBuilder) -> None:
    """The marker of the first time does not count any more."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada, bob)
    root = (await builder.post(ada, conversation_id)).posted.message_id
    await threads.mark_read(builder.db, bob, root, MarkRead())
    await participants.remove_participant(builder.db, ada, conversation_id, bob, builder.now)
    await builder.reply(ada, root)
    await participants.add_participant(builder.db, ada, conversation_id, bob, "member", builder.now)
    thread = await thread_of(builder, bob, conversation_id)
    assert (thread.read_seq, thread.unread) == (2, 0)
    assert state_of(await threads.mark_read(builder.db, bob, root, MarkRead(seq=2))) == (
        2,
        0,
        False,
    )


async def test_own_posts_do_not_move_the_marker(builder: DatabaseBuilder) -> None:
    """What others wrote before stays unread."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada, bob)
    root = (await builder.post(ada, conversation_id)).posted.message_id
    await builder.reply(bob, root)
    thread = await thread_of(builder, bob, conversation_id)
    assert (thread.read_seq, thread.unread) == (0, 1)


async def test_the_first_unread_message_is_the_first_in_reading_order(
    builder: DatabaseBuilder,
) -> None:
    """A late reply high up in the tree is above an earlier one at its end."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada, bob)
    root = (await builder.post(ada, conversation_id)).posted.message_id
    first = (await builder.reply(ada, root)).posted.message_id
    second = (await builder.reply(ada, root)).posted.message_id
    await threads.mark_read(builder.db, bob, root, MarkRead(message_id=second))
    await builder.reply(ada, second, "earlier, at the end")
    above = (await builder.reply(ada, first, "later, but above")).posted.message_id

    (row,) = await unread_of(builder, bob, conversation_id)
    tree = await threads.list_tree(builder.db, bob, root, threads.TreeStart(), 10)
    path = next(message.path for message in tree.items if message.id == above)
    assert row == ThreadUnread(root, 2, 3, FirstUnread(above, path))


async def test_deleted_messages_are_not_unread(builder: DatabaseBuilder, superuser: Any) -> None:
    """Neither counted nor the first one."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada, bob)
    root = (await builder.post(ada, conversation_id)).posted.message_id
    reply = (await builder.reply(ada, root)).posted.message_id
    await superuser.execute("UPDATE rustygpt.messages SET deleted_at = now() WHERE id = $1", root)
    (row,) = await unread_of(builder, bob, conversation_id)
    assert (row.unread, row.first_unread and row.first_unread.message_id) == (1, reply)


async def test_of_concurrent_moves_the_highest_version_is_the_last(
    builder: DatabaseBuilder,
) -> None:
    """Each move has its own version, whose mark is what the database has in the end."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada, bob)
    root = (await builder.post(ada, conversation_id)).posted.message_id
    ids = [root] + [(await builder.reply(ada, root)).posted.message_id for _ in range(9)]
    moves = [threads.mark_read(builder.db, bob, root, MarkRead(seq=seq)) for seq in range(1, 11)]
    moves += [threads.mark_unread(builder.db, bob, root, message) for message in ids]
    markers = [marker for marker in await asyncio.gather(*moves) if marker.moved]

    versions = [marker.version for marker in markers]
    assert len(versions) == len(set(versions))
    last = max(markers, key=lambda marker: marker.version)
    thread = await thread_of(builder, bob, conversation_id)
    assert (thread.read_seq, thread.unread) == (last.read_seq, last.unread)
    assert last.unread == 10 - last.read_seq


@pytest.mark.parametrize("back", [False, True])
async def test_a_participant_who_is_removed_meanwhile_marks_nothing(
    builder: DatabaseBuilder, superuser: Any, back: bool
) -> None:
    """The marker is refused once the removal is committed, as any later one is."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada, bob)
    root = (await builder.post(ada, conversation_id)).posted
    mark = "mark_unread" if back else "mark_read"
    if back:
        await threads.mark_read(builder.db, bob, root.root_id, MarkRead())
    async with superuser.transaction():
        await superuser.execute("DELETE FROM rustygpt.participants WHERE user_id = $1", bob)
        target = root.message_id if back else MarkRead()
        marking = asyncio.create_task(getattr(threads, mark)(builder.db, bob, root.root_id, target))
        await until_blocked(superuser)
    with pytest.raises(NotFound):
        await marking
