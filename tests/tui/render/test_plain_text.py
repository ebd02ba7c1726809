"""Text as it is written."""

from hypothesis import given, settings
from hypothesis import strategies as st

from rustygpt_tui.render import Line, plain
from rustygpt_tui.render.plain_text import MAX_OPEN, GrowingText, plain_lines
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


@given(st.lists(st.text("ab \n漢\t", max_size=9), max_size=9), st.sampled_from([MAX_OPEN, 20]))
def test_a_text_that_grows_has_the_rows_of_the_complete_one(parts: list[str], wide: int) -> None:
    """Wherever its parts are cut; rows that are complete are decorated once."""
    decorated: list[str] = []

    def decorate(lines: list[Line]) -> list[Line]:
        decorated.extend(plain(line) for line in lines)
        return lines

    growing = GrowingText(wide, decorate)
    text = ""
    for part in parts:
        text += part
        assert growing.lines(text) == plain_lines(text, wide) or not text


def test_a_long_line_is_not_broken_again_from_its_beginning() -> None:
    """The rows are those of the complete text, and their number is that of the updates."""
    calls: list[int] = []

    def decorate(lines: list[Line]) -> list[Line]:
        calls.append(len(lines))
        return lines

    growing = GrowingText(40, decorate)
    text = "word " * 4_000
    for end in range(0, len(text), 1_000):
        lines = growing.lines(text[:end])
    lines = growing.lines(text)
    assert lines == plain_lines(text, 40)
    assert max(calls) <= MAX_OPEN // 30
