"""The procedures in sql/procedures/threads."""

from typing import Any

import pytest
from tests.support.database.database_builder import DatabaseBuilder

from rustygpt_server.db import conversations, threads
from rustygpt_server.errors import NotFound
from rustygpt_shared.models.conversations import ThreadUnread


async def test_list_is_sorted_by_latest_activity(builder: DatabaseBuilder) -> None:
    """A page says whether more threads follow, and at which event number it was read."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada)
    empty = await threads.list_threads(builder.db, ada, conversation_id, None, 10)
    assert (empty.items, empty.position, empty.more) == ([], 0, False)
    roots = []
    for number in range(5):
        builder.advance_time()
        roots.append(
            (await builder.post(ada, conversation_id, f"thread {number}")).posted.message_id
        )
    builder.advance_time()
    await builder.reply(ada, roots[1])
    first = await threads.list_threads(builder.db, ada, conversation_id, None, 3)
    assert first.more
    assert first.position == 12
    last = first.items[-1]
    rest = await threads.list_threads(
        builder.db, ada, conversation_id, (last.last_activity_at, last.root_id), 3
    )
    assert not rest.more
    order = [t.root_id for t in first.items + rest.items]
    assert order == [roots[1], roots[4], roots[3], roots[2], roots[0]]
    assert (first.items[0].message_count, first.items[0].participant_count) == (2, 1)


async def test_tree_is_depth_first_with_siblings_in_the_order_of_posts(
    builder: DatabaseBuilder,
) -> None:
    """Parents precede their children, over several pages."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada)
    ids = {"a": (await builder.post(ada, conversation_id, "a")).posted.message_id}
    for parent, child in (
        ("a", "b"), ("a", "c"), ("b", "d"), ("a", "e"), ("d", "f"), ("b", "g"), ("c", "h"),
    ):  # fmt: skip
        ids[child] = (await builder.reply(ada, ids[parent], child)).posted.message_id
    found, after = [], None
    while True:
        page = await threads.list_tree(builder.db, ada, ids["a"], after, 3)
        found += page.items
        after = page.items[-1].path
        if not page.more:
            break
    assert "".join(m.content for m in found) == "abdfgche"
    assert [m.depth for m in found] == [1, 2, 3, 4, 3, 2, 3, 2]
    assert [m.path for m in found] == sorted(m.path for m in found)
    assert sorted(m.seq for m in found) == list(range(1, 9))


async def test_a_page_of_a_tree_has_at_most_1_mib(builder: DatabaseBuilder) -> None:
    """A page of long messages ends before 1 MiB, and the next one continues after it."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada)
    root = (await builder.post(ada, conversation_id, "x" * 65_536)).posted.message_id
    for _ in range(19):
        await builder.reply(ada, root, "y" * 65_536)
    first = await threads.list_tree(builder.db, ada, root, None, 200)
    assert first.more
    assert sum(len(m.content) for m in first.items) <= 1_048_576
    rest = await threads.list_tree(builder.db, ada, root, first.items[-1].path, 200)
    assert len(first.items) + len(rest.items) == 20


async def test_only_roots_have_trees(builder: DatabaseBuilder) -> None:
    """For non-participants the thread does not exist."""
    ada, eve = await builder.person("ada"), await builder.person("eve")
    conversation_id = await builder.conversation(ada)
    root = (await builder.post(ada, conversation_id)).posted.message_id
    child = (await builder.reply(ada, root)).posted.message_id
    for actor, message in ((ada, child), (ada, builder.id()), (eve, root)):
        with pytest.raises(NotFound):
            await threads.list_tree(builder.db, actor, message, None, 10)
    with pytest.raises(NotFound):
        await threads.list_threads(builder.db, eve, conversation_id, None, 10)
    with pytest.raises(NotFound):
        await threads.list_unread(builder.db, eve, conversation_id)


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
        assert listed == ([ThreadUnread(root, thread.unread)] if thread.unread else [])
        assert shown.unread == thread.unread
        return thread.unread

    assert await unread() == 3
    marked = await threads.mark_read(builder.db, bob, root, None, second)
    assert marked.unread == await unread() == 1
    marked = await threads.mark_read(builder.db, bob, root, None, root)
    assert marked.unread == await unread() == 1, "a mark never moves back"
    marked = await threads.mark_read(builder.db, bob, root, None, None)
    assert marked.unread == await unread() == 0


async def test_a_read_marker_may_be_set_by_path(builder: DatabaseBuilder) -> None:
    """An unknown path, and a message of another thread, are refused."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada, bob)
    root = (await builder.post(ada, conversation_id)).posted.message_id
    await builder.reply(ada, root)
    other = (await builder.post(ada, conversation_id)).posted.message_id
    marked = await threads.mark_read(builder.db, bob, root, "V", None)
    assert marked.unread == 1
    for path, message in (("no", None), (None, other), (None, builder.id())):
        with pytest.raises(NotFound):
            await threads.mark_read(builder.db, bob, root, path, message)
    with pytest.raises(NotFound):
        await threads.mark_read(builder.db, await builder.person("eve"), root, None, None)


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
