"""The rendered lines of a growing Markdown text."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tui.render.sample_documents import FULL_DOCUMENT, documents, long_fence

from rustygpt_tui.render import Line, plain
from rustygpt_tui.render.cost import MAX_AT_ONCE, cost
from rustygpt_tui.render.highlighting import highlight
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


def test_colours_are_added_when_they_become_known() -> None:
    """Lines of code are shown without; their rows do not change, whenever the colours come."""
    known: list[bool] = []

    def colours(code: str, language: str) -> list[Line] | None:
        return highlight(code, language) if known else None

    text = f"{long_fence(33)}```\n- item\n\n  ```python\n  x = 'a'\n  ```\n\nend\n"
    stream = StreamingMarkdown(60, "", colours)
    for part in text.splitlines(keepends=True):
        stream.append(part)
    before = _lines(stream)
    assert not stream.recolour()
    known.append(True)

    assert stream.recolour()
    assert not stream.recolour()
    assert _lines(stream) == render(text, 60, highlight)
    assert list(map(plain, before)) == list(map(plain, _lines(stream)))


def test_colours_are_asked_for_at_intervals() -> None:
    """Not for each line of an open code block."""
    asked: set[str] = set()

    def colours(code: str, _language: str) -> None:
        asked.add(code)

    stream = StreamingMarkdown(60, "", colours)
    for part in long_fence(100).splitlines(keepends=True):
        stream.append(part)

    assert len(asked) == 5


def test_a_large_open_block_is_shown_as_it_is_written() -> None:
    """Its lines are added one by one; nothing before them is parsed again."""
    stream = StreamingMarkdown(60, "intro\n\n| a | b |\n|---|---|\n")
    while cost(stream.text) < 3 * MAX_AT_ONCE:
        stream.append("| one | two |\n")
    before = len(stream.stable_lines)
    stream.append("| **last** | row |\n")

    assert len(stream.stable_lines) == before + 1
    assert plain(stream.stable_lines[-1]) == "| **last** | row |"


def test_a_line_end_in_two_parts_is_one() -> None:
    """A carriage return at the end of a part, and a line feed at the start of the next."""
    stream = StreamingMarkdown(20, "a\r")
    stream.append("")
    stream.append("\nb\rc")

    assert [plain(line) for line in stream.finish()] == ["a", "b", "c"]


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
