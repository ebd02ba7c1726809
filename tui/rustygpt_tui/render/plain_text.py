"""Renders text as it is written, quickly: what is shown before, or instead of, its Markdown.

The time is proportional to the text, with nothing but slices of strings per line. A line with other
characters than ASCII takes up to twice as many rows as it needs, as nothing is measured.
"""

from collections.abc import Callable
from typing import Final

from rustygpt_tui.render import SOFT_BREAK, Line, Span
from rustygpt_tui.render.text import TAB, clean

MAX_OPEN: Final = 4_096
"""Characters of an unfinished line of text that are broken into rows again with each update."""


def plain_lines(text: str, limit: int) -> list[Line]:
    """Return the lines of a text, at most `limit` cells wide; none for an empty text."""
    lines: list[Line] = []
    for row in clean(text).replace("\t", TAB).split("\n") if text else ():
        lines.extend(_row(row, max(1, limit)))
    return lines


class GrowingText:
    """The rows of a text that grows; the cost of an update does not depend on its length."""

    def __init__(self, limit: int, decorate: Callable[[list[Line]], list[Line]]) -> None:
        """`decorate` changes rows that are complete, once; the last ones with each update."""
        self._limit = limit
        self._decorate = decorate
        self._stable: list[Line] = []
        self._seen = 0
        self._open = ""

    def lines(self, text: str) -> list[Line]:
        """Return the rows of a text, which continues the one before; there is at least one."""
        if len(text) < self._seen:
            self._stable, self._seen, self._open = [], 0, ""
        self._open += clean(text[self._seen :]).replace("\t", TAB)
        self._seen = len(text)
        end = self._open.rfind("\n") + 1
        if end:
            self._keep(plain_lines(self._open[: end - 1], self._limit) or [()])
            self._open = self._open[end:]
        if len(self._open) > MAX_OPEN:
            rows = plain_lines(self._open, self._limit)[:-2]
            self._keep(rows)
            kept = sum(len(span.text) + len(span.link) for row in rows for span in row)
            self._open = self._open[kept:]
        rows = plain_lines(self._open, self._limit) or [()]
        return [*self._stable, *self._decorate(rows)]

    def _keep(self, rows: list[Line]) -> None:
        self._stable.extend(self._decorate(rows))


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
