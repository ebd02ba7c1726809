"""Text as it is written."""

from hypothesis import given, settings
from hypothesis import strategies as st

from rustygpt_tui.render import plain
from rustygpt_tui.render.plain_text import plain_lines
from rustygpt_tui.render.text import clean, width


@given(st.text(max_size=200), st.integers(2, 40))
@settings(deadline=None)
def test_lines_fit_and_nothing_is_lost(text: str, limit: int) -> None:
    """Any text has all its characters, but for spaces where a line was broken."""
    lines = [plain(line) for line in plain_lines(text, limit)]

    assert all(width(line) <= max(limit, 2) for line in lines)
    letters = "".join("".join(lines).split())
    assert letters == "".join(clean(text).split())


def test_lines_break_at_spaces() -> None:
    """A word that is too long is cut."""
    lines = [plain(line) for line in plain_lines("one two three\n\n" + "x" * 14, 8)]

    assert lines == ["one two", "three", "", "xxxxxxxx", "xxxxxx"]


def test_an_empty_text_has_no_lines() -> None:
    """As with Markdown."""
    assert plain_lines("", 40) == []
