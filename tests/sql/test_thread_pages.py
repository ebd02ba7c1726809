"""Pages of a thread: the procedures list_tree and list_messages."""

import random
from uuid import UUID

import pytest
from tests.support.database.database_builder import DatabaseBuilder

from rustygpt_server.db import threads
from rustygpt_server.db.rows import Window
from rustygpt_server.db.threads import TreeStart
from rustygpt_server.errors import NotFound
from rustygpt_shared.models.messages import MessageView


async def random_thread(builder: DatabaseBuilder, count: int, seed: int) -> tuple[UUID, UUID]:
    """Return a user, and the root of a thread with replies at random positions."""
    rng = random.Random(seed)
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada)
    ids = [(await builder.post(ada, conversation_id)).posted.message_id]
    for _ in range(count - 1):
        parent = ids[-1] if rng.random() < 0.5 else rng.choice(ids)
        ids.append((await builder.reply(ada, parent)).posted.message_id)
    return ada, ids[0]


def assert_window(window: Window[MessageView], rows: list[MessageView], start: int) -> None:
    """Check that a window has these rows from `start` on, and knows what is on its sides."""
    end = start + len(window.items)
    assert [message.id for message in window.items] == [row.id for row in rows[start:end]]
    assert (window.more_before, window.more_after) == (start > 0, end < len(rows))


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_windows_of_a_tree_are_parts_of_the_whole_list(
    builder: DatabaseBuilder, seed: int
) -> None:
    """After a path, before a path and around a message, for all limits and positions."""
    ada, root = await random_thread(builder, 24, seed)
    rows = (await threads.list_tree(builder.db, ada, root, TreeStart(), 1_000)).items
    rng = random.Random(seed)
    for _ in range(120):
        limit, at = rng.randint(1, 26), rng.randrange(len(rows))

        async def page(start: TreeStart, limit: int = limit) -> Window[MessageView]:
            return await threads.list_tree(builder.db, ada, root, start, limit)

        after = await page(TreeStart(after_path=rows[at].path))
        assert len(after.items) == min(limit, len(rows) - at - 1)
        if after.items:
            assert_window(after, rows, at + 1)
        before = await page(TreeStart(before_path=rows[at].path))
        assert len(before.items) == min(limit, at)
        if before.items:
            assert_window(before, rows, at - len(before.items))
        around = await page(TreeStart(around=rows[at].id))
        first = max(0, min(at - limit // 2, len(rows) - limit))
        assert len(around.items) == min(limit, len(rows))
        assert_window(around, rows, first)


async def test_a_window_around_long_messages_has_at_most_1_mib(builder: DatabaseBuilder) -> None:
    """It has the message in any case, and about as much before as after it."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada)
    root = (await builder.post(ada, conversation_id, "x" * 65_536)).posted.message_id
    ids = [(await builder.reply(ada, root, "y" * 65_536)).posted.message_id for _ in range(40)]
    window = await threads.list_tree(builder.db, ada, root, TreeStart(around=ids[20]), 200)
    at = [message.id for message in window.items].index(ids[20])
    assert window.more_before
    assert window.more_after
    assert sum(len(message.content) for message in window.items) <= 1_048_576
    assert abs(at - (len(window.items) - 1 - at)) <= 1


async def test_a_window_around_a_message_of_another_thread_is_refused(
    builder: DatabaseBuilder,
) -> None:
    """As for a message that does not exist."""
    ada, root = await random_thread(builder, 3, 1)
    conversation_id = await builder.conversation(ada)
    other = (await builder.post(ada, conversation_id)).posted.message_id
    for message in (other, builder.id()):
        with pytest.raises(NotFound):
            await threads.list_tree(builder.db, ada, root, TreeStart(around=message), 10)


async def test_messages_are_listed_by_seq(builder: DatabaseBuilder) -> None:
    """After a seq and directly below one; a page before the first message is empty."""
    ada, root = await random_thread(builder, 12, 4)
    rows = (await threads.list_messages(builder.db, ada, root, limit=1_000)).items
    assert [message.seq for message in rows] == list(range(1, 13))
    for seq in range(13):
        for limit in (1, 5, 12):
            after = await threads.list_messages(builder.db, ada, root, after_seq=seq, limit=limit)
            assert len(after.items) == min(limit, 12 - seq)
            if after.items:
                assert_window(after, rows, seq)
            before = await threads.list_messages(
                builder.db, ada, root, before_seq=seq + 1, limit=limit
            )
            assert len(before.items) == min(limit, seq)
            if before.items:
                assert_window(before, rows, seq - len(before.items))


async def test_a_page_by_seq_has_at_most_1_mib(builder: DatabaseBuilder) -> None:
    """In both directions it has the messages that are nearest to where it starts."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada)
    root = (await builder.post(ada, conversation_id, "x" * 65_536)).posted.message_id
    for _ in range(19):
        await builder.reply(ada, root, "y" * 65_536)
    first = await threads.list_messages(builder.db, ada, root, limit=200)
    last = await threads.list_messages(builder.db, ada, root, before_seq=100, limit=200)
    assert (first.items[0].seq, last.items[-1].seq) == (1, 20)
    for window in (first, last):
        assert sum(len(message.content) for message in window.items) <= 1_048_576
        assert len(window.items) == 15


async def test_messages_by_seq_are_for_participants(builder: DatabaseBuilder) -> None:
    """For others, and for a message that is no root, there is no thread."""
    ada, root = await random_thread(builder, 2, 5)
    reply = (await threads.list_messages(builder.db, ada, root, limit=9)).items[1].id
    for actor, thread in ((await builder.person("eve"), root), (ada, reply)):
        with pytest.raises(NotFound):
            await threads.list_messages(builder.db, actor, thread, limit=10)
