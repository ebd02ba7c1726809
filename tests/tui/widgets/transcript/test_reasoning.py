"""The lines of a reasoning, and the count of its words."""

from hypothesis import given
from hypothesis import strategies as st

from rustygpt_tui.render import plain
from rustygpt_tui.widgets.transcript.reasoning import MAX_SHOWN, WordCount, reasoning_lines


@given(st.lists(st.text("ab \n漢", max_size=6), max_size=12))
def test_words_are_counted_as_the_text_grows(parts: list[str]) -> None:
    """The count is that of the text so far, wherever its parts are cut."""
    count = WordCount()
    text = ""
    for part in parts:
        text += part
        assert count.update(text) == WordCount().update(text)


def test_wide_characters_are_words_of_their_own() -> None:
    """Their texts have no spaces."""
    assert WordCount().update("two words 漢字") == 4


def test_a_shorter_text_is_counted_again() -> None:
    """It is another text."""
    count = WordCount()
    assert (count.update("one two"), count.update("one")) == (2, 1)


def test_what_is_shown_is_bounded() -> None:
    """The rest of an endless reasoning is neither counted nor wrapped."""
    lines = reasoning_lines("a " * MAX_SHOWN, WordCount(), 40, is_open=True, is_growing=False)

    assert plain(lines[0]) == f"▾ reasoning, {MAX_SHOWN // 2:,} words"
    assert len(lines) <= MAX_SHOWN // 39 + 3
