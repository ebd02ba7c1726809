"""Renders text as it is written, quickly: what is shown before, or instead of, its Markdown.

The time is proportional to the text, with nothing but slices of strings per line. A line with other
characters than ASCII takes up to twice as many rows as it needs, as nothing is measured.
"""

from rustygpt_tui.render import SOFT_BREAK, Line, Span
from rustygpt_tui.render.text import TAB, clean


def plain_lines(text: str, limit: int) -> list[Line]:
    """Return the lines of a text, at most `limit` cells wide; none for an empty text."""
    lines: list[Line] = []
    for row in clean(text).replace("\t", TAB).split("\n") if text else ():
        lines.extend(_row(row, max(1, limit)))
    return lines


def _row(row: str, limit: int) -> list[Line]:
    if len(row) <= (length := limit if row.isascii() else max(1, limit // 2)):
        return [(Span(row),) if row else ()]
    lines: list[Line] = []
    start = 0
    while len(row) - start > length:
        space = row.rfind(" ", start + 1, start + length + 1)
        end = space if space > start else start + length
        dropped = " " if space > start else ""
        lines.append((Span(row[start:end]), Span("", SOFT_BREAK, dropped)))
        start = end + len(dropped)
    lines.append((Span(row[start:]),) if row[start:] else ())
    return lines
