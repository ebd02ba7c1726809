"""Texts that grow by pieces."""

from hypothesis import given
from hypothesis import strategies as st

from rustygpt_tui.store.partial_answer import OffsetBuffer


def test_what_is_had_is_left_out_and_holes_are_not_bridged() -> None:
    """A piece counts by the code points before it."""
    text = OffsetBuffer()
    assert text.add(0, "ab🍵")
    assert not text.add(0, "ab")
    assert not text.add(5, "later")
    assert text.add(2, "🍵cd")
    assert (text.text, text.length) == ("ab🍵cd", 5)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20))))
def test_it_is_always_a_beginning_of_the_whole(cuts: list[tuple[int, int]]) -> None:
    """Whatever slices come, nothing is doubled or made up."""
    whole, text = "abcdefghijklmnopqrst", OffsetBuffer()
    for start, end in cuts:
        text.add(start, whole[start:end])
    assert whole.startswith(text.text)
    assert len(text.text) == text.length
