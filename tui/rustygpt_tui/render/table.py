"""Renders tables with aligned columns, whose cells wrap to fit the width."""

from collections.abc import Sequence

from rustygpt_tui.render import Line, Span, restyle
from rustygpt_tui.render.text import width
from rustygpt_tui.render.wrap import wrap

Cell = Sequence[Span]
Row = Sequence[Cell]

_MIN_WIDTH = 3
"""The width in cells below which a column shrinks last."""


def table(header: Row, rows: Sequence[Row], aligns: Sequence[str], limit: int) -> list[Line]:
    """Return the lines of a table, at most `limit` cells wide where possible.

    `aligns` has `left`, `right` or `center` for each column.
    """
    columns = len(header)
    widths = _shrink(_natural_widths([header, *rows], columns), limit - 3 * (columns - 1))
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


def _shrink(natural: list[int], available: int) -> list[int]:
    """Return widths that fit: the widest columns shrink first, to the same width."""
    if sum(natural) <= available:
        return natural
    level = max(_MIN_WIDTH, available // len(natural))
    used = sum(min(column, level) for column in natural)
    while used < available and level < max(natural):
        level += 1
        used = sum(min(column, level) for column in natural)
    while used > available and level > 1:
        level -= 1
        used = sum(min(column, level) for column in natural)
    return [min(column, level) for column in natural]


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
