"""The lines of a reasoning."""

from rustygpt_tui.render import Span, plain
from rustygpt_tui.widgets.transcript.reasoning import MAX_SHOWN, ReasoningView


def test_what_is_shown_is_bounded() -> None:
    """The rest of an endless reasoning is neither counted nor wrapped."""
    view = ReasoningView(40, list)
    lines = view.lines("a " * MAX_SHOWN, is_open=True, is_growing=False)

    assert plain(lines[0]) == f"▾ reasoning, {MAX_SHOWN // 2:,} words"
    assert len(lines) <= MAX_SHOWN // 39 + 3


def test_every_line_is_dim_and_indented_once() -> None:
    """Also those that were complete before the text grew."""
    view = ReasoningView(40, lambda lines: [(Span("│ ", "guide"), *line) for line in lines])
    view.lines("one\ntw", is_open=True, is_growing=True)
    lines = view.lines("one\ntwo\nthree", is_open=True, is_growing=True)

    assert [plain(line) for line in lines[1:]] == ["│ one", "│ two", "│ three", "│ "]
    assert {span.style for line in lines for span in line} == {"guide", "reasoning"}
