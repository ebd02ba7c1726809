"""The text that was selected in drawn lines: lines that were broken only to fit come as one.

`wrap` ends such a line with an empty span that says so, and names the space that was dropped.
"""

from collections.abc import Iterable

from rustygpt_tui.render import SOFT_BREAK, Line, Span

_MARGINS = frozenset({"guide", "hang", "list.marker", "quote.bar"})
"""What stands before a text on every one of its lines."""


def selected_text(parts: Iterable[tuple[Line, int, int | None]]) -> str:
    """The text of lines, each from one character up to another; None is the line's end."""
    text = ""
    gap: str | None = None
    for number, (line, start, stop) in enumerate(parts):
        text_of_line, following = _text_and_joint(line)
        if gap is not None:
            text += gap
        elif number:
            text += "\n"
        cut = stop is not None and stop < len(text_of_line)
        part = text_of_line[start if gap is None else max(start, _margin(line)) : stop]
        text += part if following is not None and not cut else part.rstrip()
        gap = None if cut else following
    return text


def _text_and_joint(line: Line) -> tuple[str, str | None]:
    """A line's text, and what joins it to the next one where it was broken only to fit."""
    text = ""
    for span in line:
        if _kind(span) == SOFT_BREAK:
            return text, span.link
        text += span.text
    return text, None


def _margin(line: Line) -> int:
    """Characters before a line's own text."""
    length = 0
    for span in line:
        ground = span.text == " " and _kind(span) == "code.block"
        if not ground and _kind(span) not in _MARGINS:
            break
        length += len(span.text)
        if ground:
            break
    return length


def _kind(span: Span) -> str:
    return span.style.rpartition(" ")[2]
