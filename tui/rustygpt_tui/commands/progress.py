"""One line on a terminal's standard error that says how far a long command is."""

import sys
import time
from types import TracebackType
from typing import Final, Self

from rustygpt_tui.client.exports import progress_text
from rustygpt_tui.client.printable import one_line
from rustygpt_tui.commands.output import Output
from rustygpt_tui.errors import ClientError

_INTERVAL: Final = 0.2
_CLEAR: Final = "\r\x1b[K"


class TransientLine:
    """Shows a line while a block runs; nothing without a terminal, or when the command is quiet."""

    def __init__(self, out: Output) -> None:
        self._is_shown = not out.quiet and not out.json and sys.stderr.isatty()
        self._text = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.clear()

    def show(self, text: str) -> None:
        """Show a text; an empty one removes the line."""
        if not text:
            self.clear()
        elif self._is_shown and text != self._text:
            self._text = text
            self._write(_CLEAR + one_line(text))

    def clear(self) -> None:
        """Remove the line, before something else is written."""
        if self._text:
            self._text = ""
            self._write(_CLEAR)

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except (OSError, ClientError):
            self._is_shown = False


class Progress(TransientLine):
    """The line of a command that transfers a file."""

    def __init__(self, out: Output, verb: str, total: int | None = None) -> None:
        super().__init__(out)
        self._verb = verb
        self._total = total
        self._shown_at = 0.0

    def on_bytes(self, count: int) -> None:
        """Show the number of bytes so far, a few times per second."""
        now = time.monotonic()
        if now - self._shown_at >= _INTERVAL:
            self._shown_at = now
            self.show(progress_text(self._verb, count, self._total))
