"""Code blocks."""

from rustygpt_tui.render import plain
from rustygpt_tui.render.code import code_block
from rustygpt_tui.render.highlighting import highlight
from rustygpt_tui.render.text import width


def test_blocks_fill_the_width() -> None:
    """Every line has the background over the full width; long lines are wrapped."""
    lines = code_block("a\n\n" + "b" * 30 + "\n", "python", 20)

    assert [width(plain(line)) for line in lines] == [20] * 5
    assert [plain(line).strip() for line in lines] == ["python", "a", "", "b" * 18, "b" * 12]


def test_the_whole_info_line_is_shown() -> None:
    """Not only the language; a long one is broken."""
    lines = [plain(line).strip() for line in code_block("a\n", "python title=example.py", 14)]

    assert lines == ["python title", "=example.py", "a"]


def test_colours_change_no_row() -> None:
    """The same text, with and without."""
    code = "x = 'a'\n\ty\n"

    assert list(map(plain, code_block(code, "python", 20, highlight))) == list(
        map(plain, code_block(code, "python", 20))
    )
