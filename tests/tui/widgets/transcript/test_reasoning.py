"""The lines of a reasoning."""

from rustygpt_tui.render import plain
from rustygpt_tui.render.words import WordCount
from rustygpt_tui.widgets.transcript.reasoning import MAX_SHOWN, reasoning_lines


def test_what_is_shown_is_bounded() -> None:
    """The rest of an endless reasoning is neither counted nor wrapped."""
    lines = reasoning_lines("a " * MAX_SHOWN, WordCount(), 40, is_open=True, is_growing=False)

    assert plain(lines[0]) == f"▾ reasoning, {MAX_SHOWN // 2:,} words"
    assert len(lines) <= MAX_SHOWN // 39 + 3
