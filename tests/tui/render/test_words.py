"""Words that are counted, and numbers that are named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustygpt_tui.render.words import WordCount, ordinal, queue_label, words_label


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


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (11, "11th"),
        (13, "13th"),
        (21, "21st"),
        (1002, "1,002nd"),
    ],
)
def test_ordinals(number: int, text: str) -> None:
    """They are as in English."""
    assert ordinal(number) == text


def test_labels() -> None:
    """One word, several words, and places in a queue."""
    assert (words_label(1), words_label(1_200)) == ("1 word", "1,200 words")
    assert [queue_label(place) for place in (None, 1, 2)] == [
        "queued",
        "next in line",
        "queued, 2nd in line",
    ]
