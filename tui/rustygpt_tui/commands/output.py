"""What commands print: data on standard output, for people or in JSON; talk on standard error.

Every string from elsewhere is made fit for a terminal here, once. In JSON nothing is left out: what
could drive a terminal is escaped.
"""

import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TextIO, TypeVar

from rustygpt_shared.codec import encode
from rustygpt_tui.client.printable import DROPPED, one_line, printable
from rustygpt_tui.errors import ClientError, PipeClosedError

T = TypeVar("T")
Cell = str | int | bool | datetime | None
Columns = Mapping[str, Callable[[T], Cell]]


class Output:
    """Where a command's words go."""

    def __init__(self, *, json: bool = False, quiet: bool = False) -> None:
        self.json = json
        self.quiet = quiet
        self.on_terminal = sys.stdout.isatty()

    def text(self, text: str) -> None:
        """Somebody's words as they are, on standard output, without an added line end."""
        _write(sys.stdout, printable(text))

    def line(self, text: str) -> None:
        """One line on standard output."""
        _write(sys.stdout, one_line(text) + "\n")

    def object(self, value: Any) -> None:
        """A value as one line of JSON."""
        _write(sys.stdout, json_line(value) + "\n")

    def record(self, value: Any, fields: Mapping[str, Cell]) -> None:
        """One thing: its JSON, or its fields for a person, those that are None left out."""
        if self.json:
            self.object(value)
            return
        shown = {name: self._cell(cell) for name, cell in fields.items() if cell is not None}
        wide = max((len(name) for name in shown), default=0)
        _write(sys.stdout, "".join(f"{name + ':':<{wide + 2}}{v}\n" for name, v in shown.items()))

    def rows(self, values: Iterable[T], columns: Columns[T]) -> None:
        """Many things: a line of JSON each, or a table; without a terminal, columns by tabs."""
        if self.json:
            _write(sys.stdout, "".join(json_line(value) + "\n" for value in values))
            return
        table = [[self._cell(cell(value)) for cell in columns.values()] for value in values]
        if self.on_terminal and table:
            _write(sys.stdout, _aligned([list(columns), *table]))
        else:
            _write(sys.stdout, "".join("\t".join(row) + "\n" for row in table))

    def note(self, text: str) -> None:
        """Talk: on standard error, unless quiet is wanted."""
        if not self.quiet:
            _write(sys.stderr, one_line(text) + "\n")

    def _cell(self, value: Cell) -> str:
        if value is None:
            return ""
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, datetime):
            return (
                format_time(value) if self.on_terminal else value.isoformat().replace("+00:00", "Z")
            )
        return one_line(str(value))


def report(failure: ClientError, *, json: bool) -> None:
    """Tell a failure on standard error: a sentence, or with `json` an object."""
    if json:
        body = {"code": failure.code, "message": failure.sentence}
        if failure.request_id:
            body["request_id"] = failure.request_id
        _write(sys.stderr, json_line({"error": body}) + "\n")
    else:
        _write(sys.stderr, f"rustygpt: {one_line(failure.sentence)}\n")


def json_line(value: Any) -> str:
    """JSON on one line, with what could drive a terminal escaped."""
    return encode(value).decode().translate(_Escapes())


def format_time(time: datetime) -> str:
    """A time as a person here reads it, to the minute."""
    return time.astimezone().strftime("%Y-%m-%d %H:%M")


def width(text: str) -> int:
    """How many columns a text takes on a terminal, near enough for a table."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    flat = sum(unicodedata.category(c) in {"Mn", "Me", "Cf"} for c in text)
    return len(text) + wide - flat


class _Escapes(dict[int, str]):
    """JSON's escape for each character that is not fit for a terminal."""

    def __missing__(self, code: int) -> str:
        if code not in DROPPED:
            return chr(code)
        units = chr(code).encode("utf-16-be", "surrogatepass")
        return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def _aligned(table: list[list[str]]) -> str:
    widths = [max(width(row[i]) for row in table) for i in range(len(table[0]))]
    return "".join(
        "  ".join(c + " " * (w - width(c)) for c, w in zip(row, widths, strict=True)).rstrip()
        + "\n"
        for row in table
    )


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.buffer.write(text.encode("utf-8", "replace"))
        stream.flush()
    except BrokenPipeError:
        raise PipeClosedError from None
