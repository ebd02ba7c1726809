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


class Progress:
    """Shows a line while a block runs; nothing without a terminal, or when the command is quiet."""

    def __init__(self, out: Output, verb: str, total: int | None = None) -> None:
        self._is_shown = not out.quiet and not out.json and sys.stderr.isatty()
        self._verb = verb
        self._total = total
        self._shown_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._shown_at:
            self._write(_CLEAR)

    def on_bytes(self, count: int) -> None:
        """Show the number of bytes so far."""
        now = time.monotonic()
        if self._is_shown and now - self._shown_at >= _INTERVAL:
            self._shown_at = now
            self._write(_CLEAR + one_line(progress_text(self._verb, count, self._total)))

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except (OSError, ClientError):
            self._is_shown = False
