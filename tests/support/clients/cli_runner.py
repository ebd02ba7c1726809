"""Run the program `rustygpt` within the test's process: its words in, what it says out."""

import asyncio
import io
import sys
from dataclasses import dataclass

from rustygpt_tui import cli


@dataclass(frozen=True)
class CliResult:
    """How a run ended, and what it wrote."""

    code: int
    out: str
    err: str


class _Stream(io.TextIOWrapper):
    """A standard stream in memory that may say it is a terminal."""

    def __init__(self, data: bytes = b"", *, terminal: bool = False) -> None:
        self.bytes = io.BytesIO(data)
        super().__init__(self.bytes, encoding="utf-8", write_through=True)
        self._terminal = terminal

    def isatty(self) -> bool:
        """Whether the program takes it for a terminal."""
        return self._terminal

    @property
    def written(self) -> str:
        """What was written."""
        return self.bytes.getvalue().decode()


def run(*words: str, stdin: str | None = "", terminal: bool = False) -> CliResult:
    """Run a command line; `stdin` of None is a terminal on which nobody types."""
    kept = sys.stdin, sys.stdout, sys.stderr
    given = _Stream((stdin or "").encode("utf-8", "surrogatepass"), terminal=stdin is None)
    out, err = _Stream(terminal=terminal), _Stream()
    sys.stdin, sys.stdout, sys.stderr = given, out, err
    try:
        code = cli.run(words)
    finally:
        sys.stdin, sys.stdout, sys.stderr = kept
    return CliResult(int(code), out.written, err.written)


async def rustygpt(*words: str, stdin: str | None = "", terminal: bool = False) -> CliResult:
    """The same beside a server that runs in this loop."""
    return await asyncio.to_thread(run, *words, stdin=stdin, terminal=terminal)
