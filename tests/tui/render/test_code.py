"""Highlighted code blocks."""

from rustygpt_tui.render import plain
from rustygpt_tui.render.code import COLOURED_LINES, code_block, highlight
from rustygpt_tui.render.text import width


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


def test_blocks_fill_the_width() -> None:
    """Every line has the background over the full width; long lines are wrapped."""
    lines = code_block("a\n\n" + "b" * 30 + "\n", "python", 20)

    assert [width(plain(line)) for line in lines] == [20] * 5
    assert [plain(line).strip() for line in lines] == ["python", "a", "", "b" * 18, "b" * 12]
