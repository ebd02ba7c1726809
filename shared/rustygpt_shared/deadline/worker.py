"""The child's side: reads tasks from standard input, and writes a result for each.

The operating system ends the process when a task has used its processor time, also inside of a
regular expression, and when it takes more memory than allowed. The end of standard input ends the
process: its parent has ended, or does not need it any more.
"""

import resource
import signal
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import BinaryIO

HEADER = struct.Struct(">I")
"""The length of a frame in bytes; a frame is a task or a result."""
READY = b"ready"
FAILED = b"!"
"""The first byte of the result of a task that raised an exception; its type follows."""
DONE = b"="
"""The first byte of any other result."""


class TooSlow(Exception):
    """A part of a task used its own allowance of processor time."""


def serve(handle: Callable[[bytes], bytes], *, cpu_seconds: float, memory_bytes: int) -> None:
    """Handle tasks until standard input ends.

    `cpu_seconds` is the processor time of one task, `memory_bytes` the address space of the
    process.
    """
    _limit(memory_bytes)
    tasks, results = sys.stdin.buffer, sys.stdout.buffer
    _write(results, READY)
    while (task := _read(tasks)) is not None:
        signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
        try:
            result = DONE + handle(task)
        except MemoryError:
            return  # the parent starts another process, with unfragmented memory
        except Exception as error:  # noqa: BLE001 - the boundary of a task
            result = FAILED + type(error).__name__.encode()
        signal.setitimer(signal.ITIMER_PROF, 0)
        _write(results, result)


@contextmanager
def allowance(cpu_seconds: float) -> Iterator[None]:
    """Raise TooSlow in the block when it has used this processor time; it must not be nested."""
    signal.signal(signal.SIGVTALRM, _raise_too_slow)
    signal.setitimer(signal.ITIMER_VIRTUAL, cpu_seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _raise_too_slow(_signal: int, _frame: FrameType | None) -> None:
    raise TooSlow


def _limit(memory_bytes: int) -> None:
    """Limit what the process may take; macOS refuses a limit of the address space."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for kind, value in ((resource.RLIMIT_AS, memory_bytes), (resource.RLIMIT_CORE, 0)):
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (value, value))


def _read(stream: BinaryIO) -> bytes | None:
    """Return the next frame, None at the end."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    (length,) = HEADER.unpack(header)
    frame = stream.read(length)
    return frame if len(frame) == length else None


def _write(stream: BinaryIO, frame: bytes) -> None:
    stream.write(HEADER.pack(len(frame)) + frame)
    stream.flush()
