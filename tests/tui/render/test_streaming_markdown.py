"""The lines of a growing text."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tui.render.sample_documents import FULL_DOCUMENT, documents, long_fence

from rustygpt_tui.render import Line, plain
from rustygpt_tui.render.markdown import render
from rustygpt_tui.render.streaming_markdown import StreamingMarkdown


def _shown(stream: StreamingMarkdown) -> list[Line]:
    return [*stream.stable_lines, *stream.open_lines]


@given(documents, st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(8, 60))
@settings(deadline=None, max_examples=400)
def test_any_cutting_ends_in_the_same_lines(text: str, cuts: list[int], limit: int) -> None:
    """However a text arrives, its lines are at every moment those of the text so far."""
    stream = StreamingMarkdown(limit)
    start = 0
    while start < len(text):
        step = cuts[start % len(cuts)]
        stream.append(text[start : start + step])
        start += step
        assert list(map(plain, _shown(stream))) == list(map(plain, render(stream.text, limit)))

    assert stream.finish() == render(text, limit)


def test_a_whole_document_grows_into_itself() -> None:
    """Every kind of block comes out as in one go, styles and all."""
    for step in (1, 3, 17):
        stream = StreamingMarkdown(50)
        for start in range(0, len(FULL_DOCUMENT), step):
            stream.append(FULL_DOCUMENT[start : start + step])
        assert _shown(stream) == render(FULL_DOCUMENT, 50)


def test_a_long_open_fence_costs_its_tail_only() -> None:
    """Past its first lines a fence keeps what it has, and closes in full colour."""
    stream = StreamingMarkdown(60, long_fence(2_000))
    before = len(stream.stable_lines)

    stream.append("    last = 1\n")
    grown = len(stream.stable_lines)
    stream.append("```\nafter\n")

    assert grown == before + 1
    assert _shown(stream) == render(stream.text, 60)


def test_a_short_fence_is_coloured_when_it_closes() -> None:
    """Lines shown plain while the fence was open get their colours at its end."""
    stream = StreamingMarkdown(60)
    for piece in long_fence(33).splitlines(keepends=True):
        stream.append(piece)
    before = stream.recoloured
    stream.append("```\n")

    assert stream.recoloured == before + 1
    assert _shown(stream) == render(stream.text, 60)


def test_items_of_a_list_are_kept_as_they_end() -> None:
    """Of a list of 300 only the last item is open."""
    stream = StreamingMarkdown(60, "".join(f"1. item {i}\n" for i in range(300)))

    assert len(stream.open_lines) == 1
    assert plain(stream.open_lines[0]) == "300. item 299"


def test_hostile_pieces_are_cleaned() -> None:
    """An escape sequence cut over two pieces leaves nothing behind that steers a terminal."""
    stream = StreamingMarkdown(20, "a\x1b")
    stream.append("[31mb\x9b")

    assert [plain(line) for line in stream.finish()] == ["a[31mb"]
