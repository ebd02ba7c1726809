"""The standard streams of the process, replaced at its start by ones that fail with a sentence.

A stream may be closed, full, or a pipe whose reader has ended. Code that writes to standard output
gets an error of `errors` then, not one of the operating system; what cannot be written to standard
error is dropped, as there is no other place to report it. What is written is decided elsewhere.
"""

import errno
import io
import os
import select
import sys
from typing import Any

from rustygpt_tui.errors import OutputFailed, PipeClosedError, UsageError

_MODES = ("rb", "wb", "wb")


def replace_standard_streams() -> None:
    """Replace `sys.stdin`, `sys.stdout` and `sys.stderr`; those of the interpreter stay open."""
    for descriptor, mode in enumerate(_MODES):
        _occupy(descriptor, mode)
    sys.stdin = io.TextIOWrapper(io.BufferedReader(_Input(0, "rb", closefd=False)), "utf-8")
    sys.stdout = _text(_Output(1, "wb", closefd=False), "replace", line_buffering=os.isatty(1))
    sys.stderr = _text(_ErrorOutput(2, "wb", closefd=False), "backslashreplace")


def _occupy(descriptor: int, mode: str) -> None:
    """Open a descriptor that is closed, so that no file that is opened later gets its number.

    Standard output is then one that cannot be written: the loss of data has to be an error.
    """
    try:
        os.fstat(descriptor)
    except OSError:
        flags = os.O_RDONLY if mode == "rb" or descriptor == 1 else os.O_WRONLY
        opened = os.open(os.devnull, flags)
        if opened != descriptor:
            os.dup2(opened, descriptor)
            os.close(opened)


def _text(raw: io.RawIOBase, errors: str, *, line_buffering: bool = True) -> io.TextIOWrapper:
    buffered = io.BufferedWriter(raw)
    return io.TextIOWrapper(buffered, "utf-8", errors, line_buffering=line_buffering)


class _Input(io.FileIO):
    """Standard input."""

    def readinto(self, buffer: Any, /) -> int | None:
        """Read into a buffer; raise UsageError when the stream cannot be read."""
        try:
            return super().readinto(buffer)
        except OSError as error:
            raise UsageError(f"Standard input cannot be read: {_reason(error)}.") from None


class _Output(io.FileIO):
    """Standard output. After a failure it drops what is written, so that the error comes once."""

    _has_failed = False

    def write(self, data: Any, /) -> int:
        """Write data; raise PipeClosedError or OutputFailed. A full pipe is waited for."""
        if self._has_failed:
            return len(data)
        try:
            while (written := super().write(data)) is None:
                select.select([], [self], [])
            return written
        except OSError as error:
            self._has_failed = True
            raise self._error(error) from None

    def _error(self, error: OSError) -> Exception:
        if isinstance(error, BrokenPipeError):
            return PipeClosedError()
        return OutputFailed(f"Standard output cannot be written: {_reason(error)}.")


class _ErrorOutput(_Output):
    """Standard error."""

    def write(self, data: Any, /) -> int:
        """Write data, or drop it when that is impossible."""
        try:
            return super().write(data)
        except (PipeClosedError, OutputFailed):
            return len(data)


def _reason(error: OSError) -> str:
    reasons = {errno.EBADF: "it is closed", errno.ENOSPC: "the disk is full"}
    return reasons.get(error.errno or 0, (error.strerror or "input/output error").lower())
