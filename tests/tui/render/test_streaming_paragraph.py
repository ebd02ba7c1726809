"""The rendered lines of a growing paragraph."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rustygpt_tui.render import Line, plain
from rustygpt_tui.render.markdown import render
from rustygpt_tui.render.streaming_markdown import StreamingMarkdown
from rustygpt_tui.render.streaming_paragraph import STEP, StreamingParagraph

_PARTS = [
    "word ", "two words ", "**b** ", "**", "* ", "*", "_", "snake_case ", "`", "`c d` ", "~~",
    "[", "] ", "](u) ", "[a](http://b.c) ", "![i](x) ", "https://a.b/c ", "日本語", "。", "é", "\\",
    "&amp; ", "\n", "<http://x.y> ", "[1] ", "!", ", ",
]  # fmt: skip
paragraphs = st.lists(st.sampled_from(_PARTS), max_size=60).map("".join)


def _at_once(text: str, limit: int) -> list[Line]:
    return StreamingParagraph(limit, step=1_000_000).lines(text, {})


@given(paragraphs, st.integers(1, 9), st.integers(8, 40), st.integers(4, 30))
@settings(deadline=None, max_examples=600)
def test_any_split_of_a_paragraph_gives_the_same_lines(
    text: str, size: int, limit: int, step: int
) -> None:
    """After every part, the lines equal those of the text so far."""
    paragraph = StreamingParagraph(limit, step=step, max_open=1_000_000)
    for end in range(size, len(text) + size, size):
        assert paragraph.lines(text[:end].strip(), {}) == _at_once(text[:end].strip(), limit)


@pytest.mark.parametrize("text", ["[\\] ](u) ", "] [ a](u) ", "`]` [ a](u) ", "[ \\[ ] ](u) "])
def test_a_bracket_that_later_text_closes_is_not_stable(text: str) -> None:
    """Escaped brackets, and closing ones before an opening one, close nothing."""
    paragraph = StreamingParagraph(8, step=4, max_open=1_000_000)
    for end in range(1, len(text) + 1):
        assert paragraph.lines(text[:end].strip(), {}) == _at_once(text[:end].strip(), 8)


def test_another_paragraph_starts_again() -> None:
    """A text that does not continue the one before keeps none of its lines."""
    paragraph = StreamingParagraph(20, step=8)
    paragraph.lines("some words that come first " * 4, {})

    assert paragraph.lines("other words", {}) == _at_once("other words", 20)


def test_markup_that_stays_open_becomes_stable() -> None:
    """Text after an open mark becomes stable; the complete text is rendered correctly."""
    text = "*open " + "and many words " * 1_000 + "end*"
    stream = StreamingMarkdown(60)
    for start in range(0, len(text), 500):
        stream.append(text[start : start + 500])

    assert plain(stream.open_lines[0]).startswith("*open and")
    assert stream.finish() == render(text, 60)


def test_a_long_paragraph_is_stable_except_for_its_end() -> None:
    """Of 200,000 characters at most three steps are rendered again."""
    text = "some **bold** words and `code`, a [link](http://a.b) and more of the same; " * 2_700
    paragraph = StreamingParagraph(80)

    for _ in range(5):
        paragraph.lines(text.strip(), {})
        text += "and a few more words "

    assert paragraph.stable_length > len(text) - 3 * STEP
