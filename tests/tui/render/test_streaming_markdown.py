"""The rendered lines of a growing Markdown text."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tui.render.sample_documents import FULL_DOCUMENT, documents, long_fence

from rustygpt_tui.render import Line, plain
from rustygpt_tui.render.markdown import render
from rustygpt_tui.render.streaming_markdown import StreamingMarkdown


def _lines(stream: StreamingMarkdown) -> list[Line]:
    return [*stream.stable_lines, *stream.open_lines]


@given(documents, st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(8, 60))
@settings(deadline=None, max_examples=400)
def test_any_split_of_a_text_gives_the_same_lines(text: str, cuts: list[int], limit: int) -> None:
    """After every part, the lines equal those of the text so far."""
    stream = StreamingMarkdown(limit)
    start = 0
    while start < len(text):
        step = cuts[start % len(cuts)]
        stream.append(text[start : start + step])
        start += step
        assert list(map(plain, _lines(stream))) == list(map(plain, render(stream.text, limit)))

    assert stream.finish() == render(text, limit)


def test_a_streamed_document_equals_the_rendered_one() -> None:
    """Every kind of block has the same lines and styles as in the complete document."""
    for step in (1, 3, 17):
        stream = StreamingMarkdown(50)
        for start in range(0, len(FULL_DOCUMENT), step):
            stream.append(FULL_DOCUMENT[start : start + step])
        assert _lines(stream) == render(FULL_DOCUMENT, 50)


def test_a_line_in_a_long_code_block_adds_one_line() -> None:
    """Past its first lines an open code block is not rendered again, until it closes."""
    stream = StreamingMarkdown(60, long_fence(2_000))
    before = len(stream.stable_lines)

    stream.append("    last = 1\n")
    grown = len(stream.stable_lines)
    stream.append("```\nafter\n")

    assert grown == before + 1
    assert _lines(stream) == render(stream.text, 60)


def test_a_short_code_block_is_highlighted_when_it_closes() -> None:
    """Lines shown without colours get them at the end of the code block."""
    stream = StreamingMarkdown(60)
    for part in long_fence(33).splitlines(keepends=True):
        stream.append(part)
    before = stream.recoloured
    stream.append("```\n")

    assert stream.recoloured == before + 1
    assert _lines(stream) == render(stream.text, 60)


def test_list_items_become_stable_when_they_end() -> None:
    """Of a list of 300 items only the last one is open."""
    stream = StreamingMarkdown(60, "".join(f"1. item {i}\n" for i in range(300)))

    assert len(stream.open_lines) == 1
    assert plain(stream.open_lines[0]) == "300. item 299"


def test_split_escape_sequences_are_removed() -> None:
    """An escape sequence split over two parts leaves no control character."""
    stream = StreamingMarkdown(20, "a\x1b")
    stream.append("[31mb\x9b")

    assert [plain(line) for line in stream.finish()] == ["a[31mb"]
