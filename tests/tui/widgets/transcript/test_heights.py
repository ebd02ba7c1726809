"""Heights of stacked items."""

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
def test_it_equals_a_list_with_sums(
    count: int,
    first: list[int],
    replacements: list[tuple[int, int, list[int]]],
    changes: list[tuple[int, int]],
) -> None:
    """After any splices and changes, every row is where a plain sum puts it."""
    expected = [*(n % 4 for n in range(count)), *first]
    measured = Heights(expected)
    for start, length, new_heights in replacements:
        at = min(start, len(expected))
        measured.splice(at, min(at + length, len(expected)), new_heights)
        expected[at : at + length] = new_heights
    for index, height in changes:
        if index < len(expected):
            measured.set(index, height)
            expected[index] = height

    assert len(measured) == len(expected)
    assert [measured[index] for index in range(len(expected))] == expected
    tops = [0, *accumulate(expected)]
    assert [measured.top(index) for index in range(len(expected) + 1)] == tops
    positions = [(index, row) for index, height in enumerate(expected) for row in range(height)]
    assert [measured.find(row) for row in range(measured.total)] == positions


def test_rows_outside_are_moved_to_the_ends() -> None:
    """A row above the first or below the last item returns the nearest item."""
    heights_of_two = Heights([2, 3])

    assert heights_of_two.find(-5) == (0, 0)
    assert heights_of_two.find(99) == (1, 2)


def test_an_empty_list_has_no_rows() -> None:
    """Without items, finding a row raises IndexError."""
    with pytest.raises(IndexError):
        Heights().find(0)
