"""The tree of a thread's messages in depth-first order."""

from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from tests.support.fakes.fake_conversation import CONVERSATION_ID, START

from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.store import tree as trees
from rustygpt_tui.store.tree import MessageTree

ROOT = UUID(int=9)


def message(number: int, content: str = "") -> MessageView:
    """Return a message whose path is its number."""
    return MessageView(
        UUID(int=number), ROOT, CONVERSATION_ID, "user", content, f"{number:06d}", 1, number, START
    )


@given(numbers=st.lists(st.integers(1, 3_000), max_size=40), fill=st.booleans())
def test_messages_are_in_the_order_of_their_paths(numbers: list[int], fill: bool) -> None:
    """In whatever order they are put, and with any number of blocks."""
    tree = MessageTree(ROOT)
    prefilled = set(range(10, 2_000, 2)) if fill else set()
    for number in (*sorted(prefilled), *numbers):
        tree = tree.put(message(number), number)
    expected = sorted(prefilled | set(numbers))
    assert [m.seq for m in tree] == expected
    assert len(tree) == len(expected)
    assert [tree.at(i).seq for i in (0, len(expected) - 1) if expected] == [
        *expected[:1],
        *expected[-1:],
    ]
    assert [tree.index(UUID(int=n)) for n in expected] == list(range(len(expected)))


def test_a_change_shares_all_but_one_block() -> None:
    """A message in a thread of 10,000 does not copy the others."""
    tree = MessageTree(ROOT)
    for number in range(1, 10_001):
        tree = tree.put(message(number), 0)
    after = tree.put(message(5_000, "new"), 1)
    pairs = list(zip(tree.blocks, after.blocks, strict=True))
    assert sum(old is not new for old, new in pairs) == 1
    assert all(len(block) <= trees.BLOCK_SIZE for block in after.blocks)
    assert all(a[-1][0] < b[0][0] for a, b in pairwise(after.blocks))


def test_an_older_tree_lacks_later_messages() -> None:
    """Trees derived from the same tree do not see each other's messages."""
    base = MessageTree(ROOT).put(message(1), 1)
    base.put(message(2), 2)
    assert base.get(UUID(int=2)) is None
    with pytest.raises(KeyError):
        base.index(UUID(int=2))
    with pytest.raises(IndexError):
        base.at(1)


def test_a_page_does_not_undo_later_events() -> None:
    """A message from an event after the page was read is kept."""
    tree = MessageTree(ROOT).put(message(1, "new"), 7)
    tree = tree.put_page([message(1, "old"), message(2, "two")], 5, None)
    assert [m.content for m in tree] == ["new", "two"]
    tree = tree.put_page([structs.replace(message(1), content="newest")], 9, None)
    assert tree.at(0).content == "newest"


def test_the_frontier_is_the_end_of_the_last_page() -> None:
    """It is None when no further page follows."""
    tree = MessageTree(ROOT).put_page([message(1), message(2)], 0, "more")
    assert (tree.cursor, tree.frontier) == ("more", "000002")
    tree = tree.put_page([message(3)], 0, None)
    assert (tree.cursor, tree.frontier) == (None, None)
