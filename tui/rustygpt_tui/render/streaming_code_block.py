"""A fence of code that is still open, past its first lines.

Lines are added as they end. The colours of the first ones are made anew every so many lines only,
and those of lines past `COLOURED_LINES` never: each of those stands by itself.
"""

import re

from rustygpt_tui.render import Line
from rustygpt_tui.render.code import COLOURED_LINES, code_block, plain_code
from rustygpt_tui.render.markdown_blocks import Block

RECOLOUR_INTERVAL = 20
_OPENING = re.compile(r"( {0,3})(`{3,}|~{3,})(.*)")


class StreamingCodeBlock:
    """The lines of one open fence."""

    def __init__(self, opening: re.Match[str], language: str, limit: int) -> None:
        mark = opening[2]
        self._indent = len(opening[1])
        self._closing = re.compile(rf" {{0,3}}{re.escape(mark[0])}{{{len(mark)},}}[ \t]*")
        self._language = language
        self._limit = limit
        self._rows: list[str] = []

    @classmethod
    def from_block(cls, rows: list[str], block: Block, limit: int) -> "StreamingCodeBlock | None":
        """The fence this last unit of a text is, when it is open and has some lines."""
        if block.end - block.start <= RECOLOUR_INTERVAL or block.tokens[0].type != "fence":
            return None
        opening = _OPENING.fullmatch(rows[block.start])
        words = block.tokens[0].info.split()
        if opening is None:
            return None
        fence = cls(opening, words[0] if words else "", limit)
        return (
            None if any(fence.closes(row) for row in rows[block.start + 1 : block.end]) else fence
        )

    def closes(self, row: str) -> bool:
        """Whether this line ends the fence."""
        return self._closing.fullmatch(row) is not None

    def add(self, row: str) -> bool:
        """Take a line; true when the colours of all lines should be made anew."""
        self._rows.append(self._inner(row))
        return len(self._rows) <= COLOURED_LINES and len(self._rows) % RECOLOUR_INTERVAL == 0

    @property
    def colours_final(self) -> bool:
        """Whether no later line changes the colours of those there are."""
        return len(self._rows) >= COLOURED_LINES

    def render(self) -> list[Line]:
        """All lines so far, in colour."""
        return code_block("\n".join(self._rows) + "\n", self._language, self._limit)

    def render_row(self, row: str) -> list[Line]:
        """One line without colours."""
        return plain_code(self._inner(row), self._limit)

    def _inner(self, row: str) -> str:
        indent = len(row) - len(row.lstrip(" "))
        return row[min(indent, self._indent) :]
