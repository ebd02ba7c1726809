"""The parent's side: starts a child process, gives it tasks, and ends it when one takes too long.

One caller at a time. How tasks are queued and what becomes of their results does not belong here.
"""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from rustygpt_shared.deadline.worker import DONE, HEADER, READY

START_SECONDS: Final = 20.0
"""How long a process may take until it is ready for its first task."""
_READ_BYTES: Final = 262_144
_EXIT_SECONDS: Final = 1.0
"""How long a process that closed its output may take to end."""
_PASSED_VARIABLES: Final = frozenset({"HOME", "LANG", "PATH", "TMPDIR", "VIRTUAL_ENV"})
_PASSED_PREFIXES: Final = ("DYLD_", "LC_", "LD_LIBRARY_", "PYTHON")


class DeadlineError(Exception):
    """A task has no result."""


class OutOfTime(DeadlineError):
    """The task used up the processor time or the memory of a task: it would do so again."""


class NoAnswer(DeadlineError):
    """The task was not done in time, or its process ended: the machine may have been busy."""


class Failed(DeadlineError):
    """The task raised an exception, whose type is the message."""


class CannotStart(DeadlineError):
    """The process cannot be started."""


@dataclass
class Counts:
    """What happened to the processes of one caller."""

    started: int = 0
    ended: int = 0
    """Processes that were ended, or ended themselves, because of a task."""


class DeadlineProcess:
    """One child process, started with the first task and replaced after it was ended."""

    def __init__(self, program: str, seconds: float, counts: Counts | None = None) -> None:
        """`program` is Python code that calls `worker.serve`, `seconds` the time of one task."""
        self._program = program
        self._seconds = seconds
        self._process: Process | None = None
        self._frames: _Frames
        self.counts = counts or Counts()

    @property
    def pid(self) -> int | None:
        """The id of the running process."""
        return self._process.pid if self._process else None

    async def start(self) -> Process:
        """Return the running process, a new one if there is none; raises CannotStart."""
        if self._process is not None and self._process.returncode is None:
            return self._process
        await self.close()
        self.counts.started += 1
        try:
            self._process = await _start(self._program)
            if self._process.stdout is not None:
                self._frames = _Frames(self._process.stdout)
                if await self._frames.next(START_SECONDS) == READY:
                    return self._process
        except OSError:
            pass
        except asyncio.CancelledError:
            await self.close()
            raise
        await self.close()
        raise CannotStart

    async def run(self, task: bytes) -> bytes:
        """Return the result of one task; raises DeadlineError."""
        async for result in self.results([task]):
            return result
        raise NoAnswer

    async def results(self, tasks: Sequence[bytes]) -> AsyncGenerator[bytes]:
        """Yield the results of tasks in their order; raises DeadlineError at the first without.

        All tasks together should be small, as they are kept in memory until the process reads them.
        """
        process = await self.start()
        if process.stdin is None:
            raise CannotStart
        process.stdin.write(b"".join(HEADER.pack(len(task)) + task for task in tasks))
        waiting = len(tasks)
        try:
            for _ in tasks:
                answer = await self._answer(process)
                waiting -= 1
                yield answer
        finally:
            if waiting and self._process is process:
                await self._discard()  # their results would be taken for those of other tasks

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            await _end(process)

    async def _answer(self, process: Process) -> bytes:
        """Return the next result; end the process when it does not come in time."""
        answer = await self._frames.next(self._seconds)
        if answer is None:
            ended_itself = process.stdout is not None and process.stdout.at_eof()
            await self._discard()
            was_killed = process.returncode in {-signal.SIGKILL, -signal.SIGTERM}
            raise OutOfTime if ended_itself and not was_killed else NoAnswer
        if answer[:1] != DONE:
            raise Failed(answer[1:].decode(errors="replace"))
        return answer[1:]

    async def _discard(self) -> None:
        self.counts.ended += 1
        await self.close()


async def _start(program: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # modules are not looked for in the current folder
        "-c",
        program,
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        env=_environment(os.environ),
        close_fds=True,
        start_new_session=True,  # Ctrl-C of a terminal goes to the parent only
    )


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what Python needs; keys and passwords in the environment stay with the parent."""
    return {
        name: value
        for name, value in environ.items()
        if name in _PASSED_VARIABLES or name.startswith(_PASSED_PREFIXES)
    }


class _Frames:
    """Reads the frames that a process writes; several may arrive at once."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self._stream = stream
        self._buffer = bytearray()

    async def next(self, seconds: float) -> bytes | None:
        """Return the next frame, or None when the process ended or did not write it in time."""
        deadline = asyncio.get_running_loop().time() + seconds
        while (frame := self._take()) is None:
            data = await self._read(deadline)
            if not data:
                return None
            self._buffer += data
        return frame

    def _take(self) -> bytes | None:
        """Remove and return the first frame of the buffer, if it is complete."""
        if len(self._buffer) < HEADER.size:
            return None
        end = HEADER.size + HEADER.unpack_from(self._buffer)[0]
        if len(self._buffer) < end:
            return None
        frame = bytes(self._buffer[HEADER.size : end])
        del self._buffer[:end]
        return frame

    async def _read(self, deadline: float) -> bytes:
        reading = asyncio.ensure_future(self._stream.read(_READ_BYTES))
        try:
            seconds = deadline - asyncio.get_running_loop().time()
            await asyncio.wait([reading], timeout=max(0.001, seconds))
            return reading.result() if reading.done() else b""
        finally:
            reading.cancel()


async def _end(process: Process) -> None:
    """Kill a process, unless it has ended, and wait for its end."""
    if process.stdin is not None:
        process.stdin.close()
    if process.stdout is not None and process.stdout.at_eof():
        with suppress(TimeoutError):  # it ends by itself, and its status says why
            await asyncio.wait_for(process.wait(), _EXIT_SECONDS)
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
    await process.wait()
