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
from rustygpt_tui.store.tree import END, MessageTree, PathRange

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
    whole = PathRange("", END)
    tree = tree.put_page([message(1, "old"), message(2, "two")], 5, whole)
    assert [m.content for m in tree] == ["new", "two"]
    tree = tree.put_page([structs.replace(message(1), content="newest")], 9, whole)
    assert tree.at(0).content == "newest"


@given(pages=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 8)), max_size=12))
def test_ranges_are_the_parts_that_pages_cover(pages: list[tuple[int, int]]) -> None:
    """Pages that touch become one range; a message between two ranges is in none."""
    tree = MessageTree(ROOT)
    covered: set[int] = set()
    for start, length in pages:
        numbers = range(start, start + length + 1)
        loaded = PathRange(message(numbers[0]).path, message(numbers[-1]).path)
        tree = tree.put_page([message(n) for n in numbers], 0, loaded)
        covered |= set(numbers)
    for first, second in pairwise(tree.ranges):
        assert first.end < second.start
    for number in range(40):
        path = message(number).path
        assert any(r.covers(path) for r in tree.ranges) == (number in covered) or _is_between(
            tree, number, covered
        )
    for loaded in tree.ranges:
        within = [m.seq for m in tree.within(loaded)]
        assert within == [n for n in sorted(covered) if loaded.covers(message(n).path)]


def _is_between(tree: MessageTree, number: int, covered: set[int]) -> bool:
    """Return whether a number that was on no page is outside of all ranges."""
    return number not in covered and all(not r.covers(message(number).path) for r in tree.ranges)


def test_a_message_knows_its_range() -> None:
    """One that came by an event outside of all ranges is in none."""
    first = PathRange("", message(2).path)
    last = PathRange(message(8).path, END)
    tree = MessageTree(ROOT).put_page([message(1), message(2)], 0, first)
    tree = tree.put_page([message(8)], 0, last).put(message(5), 3).put(message(9), 3)
    assert tree.range_at(UUID(int=1)) == first
    assert tree.range_at(UUID(int=5)) is None
    assert tree.range_at(UUID(int=9)) == last
    assert tree.range_at(UUID(int=77)) is None
    assert (first.has_start, first.has_end, last.has_start, last.has_end) == (
        True,
        False,
        False,
        True,
    )
    joined = tree.put_page([message(n) for n in (3, 4, 5, 6)], 9, PathRange("000002", "000008"))
    assert joined.ranges == (PathRange("", END),)
