"""The text of selected lines."""

import pytest

from rustygpt_tui.render import Line
from rustygpt_tui.render.markdown import render
from rustygpt_tui.render.selection import selected_text


def _all(lines: list[Line]) -> str:
    return selected_text((line, 0, None) for line in lines)


@pytest.mark.parametrize(
    ("text", "copied"),
    [
        ("one two three four five six seven", "one two three four five six seven"),
        ("a **bold and long** emphasis here", "a bold and long emphasis here"),
        ("- an item that is long enough to wrap", "• an item that is long enough to wrap"),
        ("> a quote that is long enough", "▌ a quote that is long enough"),
        ("incomprehensibilities", "incomprehensibilities"),
        ("日本語日本語日本語日本語", "日本語日本語日本語日本語"),
        ("first\nsecond", "first\nsecond"),
    ],
)
def test_wrapped_lines_are_joined(text: str, copied: str) -> None:
    """At any width, the copied text has the line breaks of the source only."""
    for limit in (9, 12, 80):
        assert _all(render(text, limit)) == copied


def test_wrapped_code_is_joined() -> None:
    """Wrapped lines of code are joined, without the padding of the background."""
    lines = render("```\nresult = compute(first, second)\n    done\n```", 14)

    assert _all(lines) == " result = compute(first, second)\n     done"


def test_a_selection_may_start_and_end_within_lines() -> None:
    """Only the selected part of the first and last line is returned."""
    lines = render("one two three four", 10)
    assert selected_text([(lines[0], 4, None), (lines[1], 0, 5)]) == "two three"
    assert selected_text([(lines[0], 0, 3), (lines[1], 0, 5)]) == "one\nthree"
