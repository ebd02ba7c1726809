"""The output of commands: data on standard output, as text or JSON; notes on standard error.

Every text from the server is made safe for a terminal here, once. In JSON nothing is left out:
characters that could control a terminal are escaped.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TextIO, TypeVar

from rustygpt_shared.codec import encode
from rustygpt_tui.client.polling import POLL_SECONDS
from rustygpt_tui.client.printable import DROPPED, FILLERS, one_line, printable
from rustygpt_tui.errors import ClientError
from rustygpt_tui.render.text import pad, width

T = TypeVar("T")
Cell = str | int | bool | datetime | None
Columns = Mapping[str, Callable[[T], Cell]]
"""The heading of each column, and the function that takes its cell from a value."""


class Output:
    """The standard streams of one command."""

    def __init__(self, *, json: bool = False, quiet: bool = False) -> None:
        self.json = json
        self.quiet = quiet
        self.on_terminal = sys.stdout.isatty()

    def text(self, text: str) -> None:
        """Write text to standard output, without adding a line end."""
        _write(sys.stdout, printable(text))

    def line(self, text: str) -> None:
        """Write one line to standard output."""
        _write(sys.stdout, one_line(text) + "\n")

    def object(self, value: Any) -> None:
        """Write a value as one line of JSON."""
        _write(sys.stdout, json_line(value) + "\n")

    def record(self, value: Any, fields: Mapping[str, Cell]) -> None:
        """Write a value as JSON, or as its `fields`; those that are None are left out."""
        if self.json:
            self.object(value)
            return
        cells = {name: self._cell(cell) for name, cell in fields.items() if cell is not None}
        longest = max((len(name) for name in cells), default=0)
        lines = [f"{name + ':':<{longest + 2}}{cell}\n" for name, cell in cells.items()]
        _write(sys.stdout, "".join(lines))

    def rows(self, values: Iterable[T], columns: Columns[T]) -> None:
        """Write values as a line of JSON each, or as a table.

        Without a terminal the table has no heading and its columns are separated by tabs.
        """
        if self.json:
            _write(sys.stdout, "".join(json_line(value) + "\n" for value in values))
            return
        table = [[self._cell(cell(value)) for cell in columns.values()] for value in values]
        if self.on_terminal and table:
            _write(sys.stdout, _aligned([list(columns), *table]))
        else:
            _write(sys.stdout, "".join("\t".join(row) + "\n" for row in table))

    def prompt(self, text: str) -> None:
        """Write a line to standard error that the user has to act on, also when it is quiet."""
        _write(sys.stderr, one_line(text) + "\n")

    def note(self, text: str) -> None:
        """Write a line to standard error, unless the command is quiet."""
        if not self.quiet:
            _write(sys.stderr, one_line(text) + "\n")

    def _cell(self, value: Cell) -> str:
        if value is None:
            return ""
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, datetime):
            if self.on_terminal:
                return format_time(value)
            return value.isoformat().replace("+00:00", "Z")
        return one_line(str(value))


def report(error: ClientError, *, json: bool) -> None:
    """Write an error to standard error: a sentence, or with `json` an object.

    The object has the key `error` with `code`, `message` and, if known, `request_id`.
    """
    if json:
        body = {"code": error.code, "message": error.sentence}
        if error.request_id:
            body["request_id"] = error.request_id
        _write(sys.stderr, json_line({"error": body}) + "\n")
    else:
        _write(sys.stderr, f"rustygpt: {one_line(error.sentence)}\n")


def json_line(value: Any) -> str:
    """Return JSON on one line, with characters that could control a terminal escaped."""
    return encode(value).decode().translate(_Escapes())


def format_time(time: datetime) -> str:
    """Return a time in the local time zone, to the minute."""
    return time.astimezone().strftime("%Y-%m-%d %H:%M")


NO_STREAMS = (
    "This server sends no live updates (features.sse_v1 is off); "
    f"checking every {POLL_SECONDS:.0f} s."
)


def retry_text(seconds: float) -> str:
    """Return the sentence that says when the next try is."""
    return f"Trying again in {seconds:.0f} s." if round(seconds) else "Trying again now."


class _Escapes(dict[int, str]):
    """A translation table to JSON's escapes for characters that are not safe for a terminal."""

    def __missing__(self, code: int) -> str:
        if code not in DROPPED and code not in FILLERS:
            return chr(code)
        utf16 = chr(code).encode("utf-16-be", "surrogatepass")
        return "".join(f"\\u{utf16[i : i + 2].hex()}" for i in range(0, len(utf16), 2))


def write_bytes(data: bytes) -> None:
    """Write the bytes of a file to standard output, which is no terminal."""
    sys.stdout.buffer.write(data)
    sys.stdout.flush()


def _aligned(table: list[list[str]]) -> str:
    """Return the rows of a table as lines, each column as wide as its widest cell."""
    widths = [max(width(cell) for cell in column) for column in zip(*table, strict=True)]
    lines = [
        "  ".join(pad(cell, cells) for cell, cells in zip(row, widths, strict=True))
        for row in table
    ]
    return "".join(line.rstrip() + "\n" for line in lines)


def _write(stream: TextIO, text: str) -> None:
    stream.buffer.write(text.encode("utf-8", "replace"))
    stream.flush()
