"""The program `rustygpt`, run in the test's process."""

import asyncio
import io
import sys
from dataclasses import dataclass

from rustygpt_tui import cli


@dataclass(frozen=True)
class CliResult:
    """The exit code and the output of a run."""

    code: int
    out: str
    err: str


class _Stream(io.TextIOWrapper):
    """A standard stream in memory that may pretend to be a terminal."""

    def __init__(self, data: bytes = b"", *, terminal: bool = False) -> None:
        self.bytes = io.BytesIO(data)
        super().__init__(self.bytes, encoding="utf-8", write_through=True)
        self._terminal = terminal

    def isatty(self) -> bool:
        """Return whether the stream pretends to be a terminal."""
        return self._terminal

    @property
    def written(self) -> str:
        """The text that was written."""
        return self.bytes.getvalue().decode()


def run(*arguments: str, stdin: str | None = "", terminal: bool = False) -> CliResult:
    """Run a command line; `stdin=None` is a terminal without input."""
    saved_streams = sys.stdin, sys.stdout, sys.stderr
    input_stream = _Stream((stdin or "").encode("utf-8", "surrogatepass"), terminal=stdin is None)
    out = _Stream(terminal=terminal)
    err = _Stream()
    sys.stdin, sys.stdout, sys.stderr = input_stream, out, err
    try:
        code = cli.run(arguments)
    finally:
        sys.stdin, sys.stdout, sys.stderr = saved_streams
    return CliResult(int(code), out.written, err.written)


async def rustygpt(*arguments: str, stdin: str | None = "", terminal: bool = False) -> CliResult:
    """Run a command line in a thread, while a server runs in this event loop."""
    return await asyncio.to_thread(run, *arguments, stdin=stdin, terminal=terminal)
