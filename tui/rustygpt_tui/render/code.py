"""Renders code blocks to lines.

Colours come from `Colours`, which knows them or not yet; the rows are the same with and without.
Only the first `COLOURED_LINES` lines are coloured, which bounds the time for one answer. The limit
depends on the text alone, so an open and a closed code block render alike.
"""

from collections.abc import Callable, Sequence

from rustygpt_tui.render import Line, Span
from rustygpt_tui.render.text import width
from rustygpt_tui.render.wrap import wrap_code

COLOURED_LINES = 200
_TAB_STOP = 4

Colours = Callable[[str, str], Sequence[Line] | None]
"""Returns the lines of code in a language with token styles, None while they are not known."""


def no_colours(_code: str, _language: str) -> None:
    """Know no colours."""


def code_block(code: str, info: str, limit: int, colours: Colours = no_colours) -> list[Line]:
    """Return a code block on a background, `limit` cells wide, with its info line above.

    The language is the first word of the info line.
    """
    rows = source_rows(code)
    words = info.split()
    coloured = colours("\n".join(rows), words[0]) if words else None
    lines = _info_lines(" ".join(words), limit)
    for line in coloured or [(Span(row),) if row else () for row in rows]:
        lines.extend(_with_background(part, limit) for part in wrap_code(line, max(1, limit - 2)))
    return lines


def plain_code(row: str, limit: int) -> list[Line]:
    """Return one line of code without colours, as `code_block` renders lines past the limit."""
    row = row.expandtabs(_TAB_STOP)
    line = (Span(row),) if row else ()
    return [_with_background(part, limit) for part in wrap_code(line, max(1, limit - 2))]


def source_rows(code: str) -> list[str]:
    """Return the lines of code as they are shown and highlighted: tabs are spaces."""
    return code.removesuffix("\n").expandtabs(_TAB_STOP).split("\n")


def _info_lines(info: str, limit: int) -> list[Line]:
    if not info:
        return []
    parts = wrap_code((Span(info, "code.language"),), max(1, limit - 2))
    return [_with_background(part, limit) for part in parts]


def _with_background(line: Line, limit: int) -> Line:
    """Return a line with the background of code: one cell before it, and padding to the width."""
    spans = [Span(" ", "code.block")]
    spans.extend(span._replace(style=f"code.block {span.style}".rstrip()) for span in line)
    padding = limit - 1 - sum(width(span.text) for span in line)
    spans.append(Span(" " * max(0, padding), "code.block"))
    return tuple(spans)
