"""The procedures in sql/procedures/threads."""

import pytest
from tests.support.database.database_builder import DatabaseBuilder

from rustygpt_server.db import threads
from rustygpt_server.errors import NotFound


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
        page = await threads.list_tree(builder.db, ada, ids["a"], threads.TreeStart(after), 3)
        found += page.items
        after = page.items[-1].path
        if not page.more_after:
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
    first = await threads.list_tree(builder.db, ada, root, threads.TreeStart(), 200)
    assert first.more_after
    assert sum(len(m.content) for m in first.items) <= 1_048_576
    rest = await threads.list_tree(
        builder.db, ada, root, threads.TreeStart(first.items[-1].path), 200
    )
    assert len(first.items) + len(rest.items) == 20


async def test_only_roots_have_trees(builder: DatabaseBuilder) -> None:
    """For non-participants the thread does not exist."""
    ada, eve = await builder.person("ada"), await builder.person("eve")
    conversation_id = await builder.conversation(ada)
    root = (await builder.post(ada, conversation_id)).posted.message_id
    child = (await builder.reply(ada, root)).posted.message_id
    for actor, message in ((ada, child), (ada, builder.id()), (eve, root)):
        with pytest.raises(NotFound):
            await threads.list_tree(builder.db, actor, message, threads.TreeStart(), 10)
    with pytest.raises(NotFound):
        await threads.list_threads(builder.db, eve, conversation_id, None, 10)
    with pytest.raises(NotFound):
        await threads.list_unread(builder.db, eve, conversation_id)
