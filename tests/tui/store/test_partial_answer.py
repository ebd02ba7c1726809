"""Assembling a text from parts with offsets."""

from hypothesis import given
from hypothesis import strategies as st

from rustygpt_tui.store.partial_answer import OffsetBuffer


def test_overlaps_are_ignored_and_gaps_are_not_filled() -> None:
    """Offsets count code points."""
    buffer = OffsetBuffer()
    assert buffer.add(0, "ab🍵")
    assert not buffer.add(0, "ab")
    assert not buffer.add(5, "later")
    assert buffer.add(2, "🍵cd")
    assert (buffer.text, buffer.length) == ("ab🍵cd", 5)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20))))
def test_the_buffer_is_always_a_beginning_of_the_text(cuts: list[tuple[int, int]]) -> None:
    """With any slices in any order."""
    full_text = "abcdefghijklmnopqrst"
    buffer = OffsetBuffer()
    for start, end in cuts:
        buffer.add(start, full_text[start:end])
    assert full_text.startswith(buffer.text)
    assert len(buffer.text) == buffer.length
