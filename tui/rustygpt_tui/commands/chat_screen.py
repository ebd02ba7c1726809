"""The bottom of the terminal in a line chat: unfinished output, the target, and the typed line.

Output is written above the prompt: the prompt is erased, the text is written, the prompt is drawn
again. Each row of the prompt is kept shorter than the terminal, so that its height is known. A
terminal that became narrower has wrapped the rows: they are counted at the present width.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rustygpt_tui.client.printable import printable
from rustygpt_tui.render.text import TAB, clusters, cut, shorten, width

PROMPT = "> "
CONTINUATION = "  "
MAX_ROWS = 8
"""How many lines of the typed text are shown; a longer paste is shown at its end."""
_MAX_LINE = 8_000
"""How much of an unfinished line is kept, to find its last row at another width."""


class ChatScreen:
    """Writes to a terminal with `out`; `columns` returns the terminal's width now."""

    def __init__(self, out: Callable[[str], None], columns: Callable[[], int]) -> None:
        self._out = out
        self._columns = columns
        self._tail = ""
        """The last row of the output, if it has no line end yet."""
        self._line = ""
        """The whole last line of the output, up to a length."""
        self._label = ""
        self._label_row = ""
        """The label as it is drawn."""
        self._text = ""
        self._rows: list[str] = []
        """The rows of the typed text as they are drawn."""
        self._is_drawn = False
        self._drawn_columns = 0
        """The width for which the rows were drawn."""

    def write(self, text: str) -> None:
        """Write text above the prompt; it may end within a line."""
        if not text:
            return
        erased = self._erase()
        added = printable(text).replace("\t", TAB)
        self._out(erased + added)
        self._tail = _last_row((self._tail + added).rpartition("\n")[2], self._columns())
        self._line = (self._line + added).rpartition("\n")[2][-_MAX_LINE:]
        self._draw()

    def show(self, label: str, text: str) -> None:
        """Show the target and the typed text."""
        rows = self._rows_of(text)
        is_appended = text.startswith(self._text) and rows[:-1] == self._rows[:-1]
        added = rows[-1].removeprefix(self._rows[-1]) if self._rows else ""
        is_same_width = self._drawn_columns == self._columns()
        is_drawn = self._is_drawn and is_same_width and label == self._label
        if is_drawn and is_appended and rows[-1] == self._rows[-1] + added:
            self._out(added)
            self._text, self._rows = text, rows
            return
        self._out(self._erase())
        self._label, self._text = label, text
        self._draw()

    def commit(self) -> None:
        """Leave the typed text, in full, as a part of the output."""
        full = [CONTINUATION + _visible(line) for line in self._text.split("\n")]
        full[0] = PROMPT + full[0].removeprefix(CONTINUATION)
        if full != self._rows:
            self._out(self._erase())
            self._out(("\n" if self._tail else "") + "\n".join([self._label, *full]))
        self._out("\n")
        self._tail = self._line = self._text = ""
        self._rows, self._is_drawn = [], False

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Remove the prompt while something else writes whole lines to the terminal."""
        self.close()
        yield
        self._draw()

    def redraw(self) -> None:
        """Draw again after something else wrote to the terminal."""
        self._is_drawn = False
        self._out("\n")
        self._tail = self._line = ""
        self._draw()

    def resize(self) -> None:
        """Draw again for the terminal's width, which has changed."""
        if self._is_drawn:
            self._out(self._erase())
            self._draw()

    def close(self) -> None:
        """Remove the prompt, and end the line of the output."""
        erased = self._erase()
        if self._tail:
            self._out(erased + "\n")
            self._tail = self._line = ""

    def _erase(self) -> str:
        """Erase the prompt and the tail above it; return the tail if it has to be written again."""
        if not self._is_drawn:
            return ""
        columns = self._columns()
        if columns != self._drawn_columns:
            self._tail = _last_row(self._line, columns)
        rows = sum(len(_wrapped(row, columns)) for row in (self._label_row, *self._rows))
        up = bool(self._tail) + rows - 1
        self._out(f"\r\x1b[{up}A\x1b[J" if up else "\r\x1b[J")
        self._is_drawn = False
        return self._tail

    def _draw(self) -> None:
        """Draw the prompt below the tail, which is written already."""
        if not self._label:
            return
        self._rows = self._rows_of(self._text)
        self._drawn_columns = self._columns()
        self._label_row = shorten(_visible(self._label), self._drawn_columns - 1)
        self._out(("\n" if self._tail else "") + "\n".join([self._label_row, *self._rows]))
        self._is_drawn = True

    def _rows_of(self, text: str) -> list[str]:
        """Return the rows of the typed text, each shorter than the terminal."""
        lines = text.split("\n")
        shown = [CONTINUATION + _visible(line) for line in lines[-MAX_ROWS:]]
        if len(lines) > MAX_ROWS:
            shown.insert(0, f"{CONTINUATION}… ({len(lines) - MAX_ROWS} more lines)")
        shown[0] = PROMPT + shown[0].removeprefix(CONTINUATION)
        limit = self._columns() - 1
        return [shorten(row, limit) for row in shown[:-1]] + [_end_of(shown[-1], limit)]


def _visible(text: str) -> str:
    return printable(text).replace("\t", TAB).replace("\n", " ")


def _end_of(row: str, limit: int) -> str:
    """Return the end of a row that is being typed, with `…` where something is left out."""
    if width(row) <= limit:
        return row
    kept, used = "", len(PROMPT) + 1
    for cluster, cells in reversed(list(clusters(row[len(PROMPT) :]))):
        used += cells
        if used > limit:
            break
        kept = cluster + kept
    return row[: len(PROMPT)] + "…" + kept


def _last_row(line: str, columns: int) -> str:
    """Return the part of a line that is in the terminal's last row when the line is written.

    A row that is exactly full is the last one: terminals wrap when the next character comes.
    """
    return _wrapped(line, columns)[-1]


def _wrapped(line: str, columns: int) -> list[str]:
    """Return the rows into which a terminal wraps a line."""
    rows = []
    while width(line) > columns:
        row, rest = cut(line, columns)
        if not row:
            break
        rows.append(row)
        line = rest
    return [*rows, line]
