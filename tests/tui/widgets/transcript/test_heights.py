"""Heights of many items: from an item to its row and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustygpt_tui.widgets.transcript.heights import Heights

heights = st.lists(st.integers(0, 5), max_size=40)


@given(heights, heights, st.lists(st.tuples(st.integers(0, 79), st.integers(0, 9)), max_size=20))
def test_it_adds_up_like_a_list(
    first: list[int], appended: list[int], changes: list[tuple[int, int]]
) -> None:
    """Built, appended to and changed, every row is where a plain sum puts it."""
    tree, known = Heights(first), list(first)
    for height in appended:
        tree.append(height)
        known.append(height)
    for index, height in changes:
        if index < len(known):
            tree.set(index, height)
            known[index] = height

    assert [tree.top(index) for index in range(len(known) + 1)] == [
        sum(known[:index]) for index in range(len(known) + 1)
    ]
    assert tree.total == sum(known)
    rows = [(index, row) for index, height in enumerate(known) for row in range(height)]
    assert [tree.find(row) for row in range(tree.total)] == rows


def test_rows_outside_are_moved_to_the_ends() -> None:
    """A row above the first or below the last item finds the nearest one."""
    tree = Heights([2, 3])

    assert tree.find(-5) == (0, 0)
    assert tree.find(99) == (1, 2)


def test_nothing_can_be_found_in_nothing() -> None:
    """Without items no row has one."""
    with pytest.raises(IndexError):
        Heights().find(0)
