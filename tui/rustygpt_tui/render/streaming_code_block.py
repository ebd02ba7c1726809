"""Renders a fenced code block that is still open, line by line.

Lines are added as they end, without colours, and are independent of each other. The colours of the
first `COLOURED_LINES` lines are asked for at intervals.
"""

import re

from rustygpt_tui.render import Line
from rustygpt_tui.render.code import COLOURED_LINES, Colours, code_block, plain_code
from rustygpt_tui.render.markdown_blocks import Block
from rustygpt_tui.render.text import clean

RECOLOUR_INTERVAL = 20
"""The number of lines after which colours are asked for again."""
_OPENING = re.compile(r"( {0,3})(`{3,}|~{3,})(.*)")


class StreamingCodeBlock:
    """The lines of one open fenced code block at one width."""

    def __init__(self, opening: re.Match[str], info: str, limit: int) -> None:
        fence = opening[2]
        self._indent = len(opening[1])
        self._closing = re.compile(rf" {{0,3}}{re.escape(fence[0])}{{{len(fence)},}}[ \t]*")
        self._info = info
        self._limit = limit
        self._rows: list[str] = []

    @classmethod
    def from_block(cls, rows: list[str], block: Block, limit: int) -> "StreamingCodeBlock | None":
        """Return the code block that the last block of a text is, if it is open and long enough.

        `rows` are the lines of the text.
        """
        if block.end - block.start <= RECOLOUR_INTERVAL or block.tokens[0].type != "fence":
            return None
        opening = _OPENING.fullmatch(rows[block.start])
        if opening is None:
            return None
        code = cls(opening, clean(block.tokens[0].info), limit)
        is_closed = any(code.closes(row) for row in rows[block.start + 1 : block.end])
        return None if is_closed else code

    def closes(self, row: str) -> bool:
        """Return whether this line ends the code block."""
        return self._closing.fullmatch(row) is not None

    def add(self, row: str) -> bool:
        """Add a line; return True when the colours of all lines should be asked for."""
        self._rows.append(self._without_indent(row))
        return len(self._rows) <= COLOURED_LINES and len(self._rows) % RECOLOUR_INTERVAL == 0

    @property
    def colours_final(self) -> bool:
        """True when no later line changes the colours of the lines so far."""
        return len(self._rows) >= COLOURED_LINES

    @property
    def text(self) -> str:
        """The lines so far."""
        return "\n".join(self._rows) + "\n"

    def info_lines(self) -> list[Line]:
        """Return the lines above the code."""
        return code_block("", self._info, self._limit)[:-1]

    def render(self, text: str, colours: Colours) -> list[Line]:
        """Return the lines of the block as far as `text`, which it had before."""
        return code_block(text, self._info, self._limit, colours)

    def render_row(self, row: str) -> list[Line]:
        """Return one line without colours."""
        return plain_code(self._without_indent(row), self._limit)

    def _without_indent(self, row: str) -> str:
        """Return a line without the indentation of the opening fence."""
        indent = len(row) - len(row.lstrip(" "))
        return row[min(indent, self._indent) :]
