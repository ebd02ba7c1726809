"""The lines of a paragraph that grows."""

from hypothesis import given, settings
from hypothesis import strategies as st

from rustygpt_tui.render import Line, plain
from rustygpt_tui.render.markdown import render
from rustygpt_tui.render.streaming_markdown import StreamingMarkdown
from rustygpt_tui.render.streaming_paragraph import STEP, StreamingParagraph

_PIECES = [
    "word ", "two words ", "**b** ", "**", "* ", "*", "_", "snake_case ", "`", "`c d` ", "~~",
    "[", "] ", "](u) ", "[a](http://b.c) ", "![i](x) ", "https://a.b/c ", "日本語", "。", "é", "\\",
    "&amp; ", "\n", "<http://x.y> ", "[1] ", "!", ", ",
]  # fmt: skip
paragraphs = st.lists(st.sampled_from(_PIECES), max_size=60).map("".join)


def _whole(text: str, limit: int) -> list[Line]:
    return StreamingParagraph(limit, step=1_000_000).lines(text, {})


@given(paragraphs, st.integers(1, 9), st.integers(8, 40), st.integers(4, 30))
@settings(deadline=None, max_examples=600)
def test_any_cutting_gives_the_lines_of_the_whole(
    text: str, piece: int, limit: int, step: int
) -> None:
    """However it comes, and wherever it is settled, the lines are those of the text so far."""
    prose = StreamingParagraph(limit, step=step, max_open=1_000_000)
    for end in range(piece, len(text) + piece, piece):
        assert prose.lines(text[:end].strip(), {}) == _whole(text[:end].strip(), limit)


def test_another_paragraph_is_begun_anew() -> None:
    """What is not a longer form of the one before shares nothing with it."""
    prose = StreamingParagraph(20, step=8)
    prose.lines("some words that come first " * 4, {})

    assert prose.lines("other words", {}) == _whole("other words", 20)


def test_a_mark_that_stays_open_is_not_waited_for() -> None:
    """What follows it is settled all the same, and at the end it is drawn as it should be."""
    text = "*open " + "and many words " * 1_000 + "end*"
    stream = StreamingMarkdown(60)
    for start in range(0, len(text), 500):
        stream.append(text[start : start + 500])

    assert plain(stream.open_lines[0]).startswith("*open and")
    assert stream.finish() == render(text, 60)


def test_a_huge_paragraph_costs_its_end() -> None:
    """A piece for a paragraph of 200,000 characters costs about what it does for a short one."""
    text = "some **bold** words and `code`, a [link](http://a.b) and more of the same; " * 2_700
    stream = StreamingMarkdown(80, text)

    for _ in range(5):
        stream.append("and a few more words ")

    assert len(stream._paragraph._stable_text) > len(text) - 3 * STEP
