"""Highlighted code."""

import pytest

from rustygpt_tui.render import plain
from rustygpt_tui.render.code import COLOURED_LINES
from rustygpt_tui.render.highlighting import highlight


def test_tokens_have_styles() -> None:
    """Keywords, names, strings and comments each have a style."""
    styles = {span.style for span in highlight("def f():\n    return 'x'  # y", "python")[0]}
    styles |= {span.style for span in highlight("x = 'a'  # b", "python")[0]}

    assert {"code.keyword", "code.name", "code.string", "code.comment"} <= styles


def test_unknown_languages_are_plain() -> None:
    """Code in an unknown language has no styles."""
    assert [
        [tuple(span) for span in line] for line in highlight("x = 1\n\ny", "no-such-language")
    ] == [[("x = 1", "", "")], [], [("y", "", "")]]


def test_only_the_first_lines_are_coloured() -> None:
    """Lines past the limit are not highlighted."""
    lines = highlight("\n".join(["x = 'a'"] * (COLOURED_LINES + 50)), "python")

    assert len(lines) == COLOURED_LINES + 50
    assert len(lines[COLOURED_LINES - 1]) > 1
    assert len(lines[COLOURED_LINES]) == 1


@pytest.mark.parametrize("language", ["python", "html", "rst", "console", "diff", "make", "c"])
@pytest.mark.parametrize("code", ["", "a", "\n\na\n", "  a\n\n", "$ a\n\x0c b\nc", "'unclosed\n\n"])
def test_the_lines_are_those_of_the_code(language: str, code: str) -> None:
    """Whatever a lexer does with line ends: colours never change the rows of a message."""
    assert [plain(line) for line in highlight(code, language)] == code.split("\n")
