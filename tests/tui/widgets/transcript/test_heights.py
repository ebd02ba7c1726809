"""Heights of many items: from an item to its row and back."""

from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rustygpt_tui.widgets.transcript.heights import Heights

heights = st.lists(st.integers(0, 5), max_size=40)
splices = st.tuples(st.integers(0, 2_000), st.integers(0, 60), heights)


@given(
    st.integers(0, 1_500),
    heights,
    st.lists(splices, max_size=6),
    st.lists(st.tuples(st.integers(0, 1_999), st.integers(0, 9)), max_size=20),
)
@settings(deadline=None)
def test_it_adds_up_like_a_list(
    many: int,
    first: list[int],
    changed: list[tuple[int, int, list[int]]],
    changes: list[tuple[int, int]],
) -> None:
    """Built, spliced and changed, every row is where a plain sum puts it."""
    known = [*(n % 4 for n in range(many)), *first]
    rows = Heights(known)
    for start, length, fresh in changed:
        at = min(start, len(known))
        rows.splice(at, min(at + length, len(known)), fresh)
        known[at : at + length] = fresh
    for index, height in changes:
        if index < len(known):
            rows.set(index, height)
            known[index] = height

    assert len(rows) == len(known)
    assert [rows[index] for index in range(len(known))] == known
    tops = [0, *accumulate(known)]
    assert [rows.top(index) for index in range(len(known) + 1)] == tops
    places = [(index, row) for index, height in enumerate(known) for row in range(height)]
    assert [rows.find(row) for row in range(rows.total)] == places


def test_rows_outside_are_moved_to_the_ends() -> None:
    """A row above the first or below the last item finds the nearest one."""
    tree = Heights([2, 3])

    assert tree.find(-5) == (0, 0)
    assert tree.find(99) == (1, 2)


def test_nothing_can_be_found_in_nothing() -> None:
    """Without items no row has one."""
    with pytest.raises(IndexError):
        Heights().find(0)
