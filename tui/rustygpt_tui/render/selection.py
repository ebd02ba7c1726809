"""Returns the text of selected lines; lines that were broken only to fit the width are joined.

`wrap` ends such a line with an empty span of the style `SOFT_BREAK`, whose link is the space that
was dropped there.
"""

from collections.abc import Iterable

from rustygpt_tui.render import SOFT_BREAK, Line, Span

_MARGINS = frozenset({"guide", "hang", "list.marker", "quote.bar"})
"""Styles of spans before the text that are repeated on continuation lines."""


def selected_text(parts: Iterable[tuple[Line, int, int | None]]) -> str:
    """Return the text of lines, each with its first and last character; None is its end."""
    text = ""
    joint: str | None = None
    for number, (line, start, stop) in enumerate(parts):
        text_of_line, next_joint = _text_and_joint(line)
        if joint is not None:
            text += joint
        elif number:
            text += "\n"
        cut = stop is not None and stop < len(text_of_line)
        part = text_of_line[start if joint is None else max(start, _margin(line)) : stop]
        text += part if next_joint is not None and not cut else part.rstrip()
        joint = None if cut else next_joint
    return text


def _text_and_joint(line: Line) -> tuple[str, str | None]:
    """Return a line's text, and the text that joins it to the next line after a soft break."""
    text = ""
    for span in line:
        if _last_style(span) == SOFT_BREAK:
            return text, span.link
        text += span.text
    return text, None


def _margin(line: Line) -> int:
    """Return the number of characters before a line's own text."""
    length = 0
    for span in line:
        code_padding = span.text == " " and _last_style(span) == "code.block"
        if not code_padding and _last_style(span) not in _MARGINS:
            break
        length += len(span.text)
        if code_padding:
            break
    return length


def _last_style(span: Span) -> str:
    return span.style.rpartition(" ")[2]
