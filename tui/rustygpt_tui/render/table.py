"""Renders tables with aligned columns, whose cells wrap to fit the width.

Where columns would break words, each row is a list of its cells instead, with their headings.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence

from rustygpt_tui.render import Line, Span, restyle
from rustygpt_tui.render.text import width
from rustygpt_tui.render.wrap import WIDE, wrap

Cell = Sequence[Span]
Row = Sequence[Cell]

_BREAK = re.compile(rf"[\s{WIDE}]+")
_LONG_WORD = 20
"""A longer word, such as an address, may be broken in a table."""


def table(header: Row, rows: Sequence[Row], aligns: Sequence[str], limit: int) -> list[Line]:
    """Return the lines of a table, at most `limit` cells wide where possible.

    `aligns` has `left`, `right` or `center` for each column.
    """
    columns = len(header)
    available = limit - 3 * (columns - 1)
    least = _word_widths([header, *rows], columns)
    if sum(least) > available:
        return _records(header, rows, limit)
    widths = _shrink(_natural_widths([header, *rows], columns), least, available)
    lines = [restyle(line, "table.head") for line in _row(header, widths, aligns)]
    lines.append((Span("─┼─".join("─" * cells for cells in widths), "table.border"),))
    for row in rows:
        lines.extend(_row(row, widths, aligns))
    return lines


def _natural_widths(rows: Sequence[Row], columns: int) -> list[int]:
    widths = [1] * columns
    for row in rows:
        for index, cell in enumerate(row[:columns]):
            widths[index] = max(widths[index], sum(width(span.text) for span in cell))
    return widths


def _word_widths(rows: Sequence[Row], columns: int) -> list[int]:
    """Return the width of the longest word of each column, at most that of a long word."""
    widths = [1] * columns
    for row in rows:
        for index, cell in enumerate(row[:columns]):
            for span in cell:
                longest = max(map(len, _BREAK.split(span.text)))
                widths[index] = max(widths[index], min(longest, _LONG_WORD))
    return widths


def _records(header: Row, rows: Sequence[Row], limit: int) -> list[Line]:
    """Return each row as a list of its cells, each below or beside the heading of its column."""
    lines: list[Line] = []
    for row in rows or [()]:
        if lines:
            lines.append((Span("─" * limit, "table.border"),))
        for index, heading in enumerate(header):
            cell = row[index] if index < len(row) else ()
            spans = [span._replace(style=f"table.head {span.style}".rstrip()) for span in heading]
            if cell:
                spans = [*spans, Span(": ", "table.border"), *cell]
            lines.extend(wrap(spans, limit, hang=2))
    return lines


def _shrink(natural: list[int], least: list[int], available: int) -> list[int]:
    """Return widths that fit: the widest columns shrink first, to the same width.

    No column becomes narrower than its entry in `least`, which fit together.
    """

    def widths(level: int) -> list[int]:
        return [
            max(minimum, min(column, level)) for column, minimum in zip(natural, least, strict=True)
        ]

    first_too_wide = bisect_right(
        range(max(natural) + 1), available, key=lambda level: sum(widths(level))
    )
    return widths(first_too_wide - 1)


def _row(row: Row, widths: Sequence[int], aligns: Sequence[str]) -> list[Line]:
    cells = [wrap(cell, cells) for cell, cells in zip(row, widths, strict=False)]
    cells.extend([()] for _ in range(len(widths) - len(cells)))
    height = max(len(lines) for lines in cells)
    result: list[Line] = []
    for index in range(height):
        line: list[Span] = []
        for column, (lines, size) in enumerate(zip(cells, widths, strict=True)):
            if column:
                line.append(Span(" │ ", "table.border"))
            line.extend(_aligned(lines[index] if index < len(lines) else (), size, aligns[column]))
        result.append(tuple(line))
    return result


def _aligned(line: Line, size: int, align: str) -> Line:
    line = tuple(
        span for span in line if span.text
    )  # soft breaks of a cell do not apply to the row
    space = max(0, size - sum(width(span.text) for span in line))
    before = {"right": space, "center": space // 2}.get(align, 0)
    return (Span(" " * before), *line, Span(" " * (space - before)))
