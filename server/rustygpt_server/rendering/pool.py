"""A few child processes that render messages, and the bounded queue before them.

Readers take turns: the next messages are those of the reader who has used the processes least. Slow
messages delay those of another reader by one message, however many there are.
"""

import asyncio
from collections import deque
from collections.abc import Hashable, Sequence
from contextlib import aclosing
from itertools import chain
from typing import Final, NamedTuple

from rustygpt_server.telemetry import log
from rustygpt_shared.deadline.process import (
    CannotStart,
    Counts,
    DeadlineError,
    DeadlineProcess,
    OutOfTime,
)

_log = log(__name__)

PROGRAM: Final = "from rustygpt_server.rendering.worker import main; main()"
PROCESSES: Final = 2
MAX_QUEUED: Final = 4_000
"""Messages of one reader that wait; beyond it a message is not rendered."""
MAX_QUEUED_CHARACTERS: Final = 16_000_000
"""Characters of all messages that wait; one reader has a quarter of it."""
CHUNK: Final = 16
"""The most messages that a process is given at once."""
FAST_SECONDS: Final = 0.1
"""After a chunk that took longer, the reader's next chunk is one message."""
CHUNK_CHARACTERS: Final = 65_536
"""A chunk ends after this many characters."""
ANSWER_SECONDS: Final = 2.0
"""How long one message may take by the clock. Its processor time is limited in `worker`; this
ends processes that do not run at all."""


class Outcome(NamedTuple):
    """What became of a message; `html` is None when it could not be rendered."""

    html: str | None
    is_final: bool
    """True when rendering the same text again would end the same way."""


NOT_NOW: Final = Outcome(None, is_final=False)


class Task(NamedTuple):
    """A message in the queue."""

    text: str
    done: "asyncio.Future[Outcome]"


class _Slot:
    """A child process, and the task that gives it messages while there are some."""

    def __init__(self, process: DeadlineProcess) -> None:
        self.process = process
        self.task: asyncio.Task[None] | None = None

    @property
    def is_idle(self) -> bool:
        return self.task is None or self.task.done()


class _Reader:
    """The messages of one reader that wait, and how long the processes worked for the reader."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.active = 0
        """Chunks that are with a process."""
        self.queued = 0
        self.characters = 0
        self.requests: deque[deque[Task]] = deque()
        self._chunk = 1

    def has_space(self, task: Task) -> bool:
        characters = self.characters + len(task.text)
        return self.queued < MAX_QUEUED and characters <= MAX_QUEUED_CHARACTERS // 4

    def count(self, task: Task, change: int) -> None:
        self.queued += change
        self.characters += change * len(task.text)

    def take_chunk(self) -> deque[Task]:
        """Remove and return the next messages; requests take turns."""
        request = self.requests.popleft()
        chunk = deque([request.popleft()])
        characters = len(chunk[0].text)
        while request and len(chunk) < self._chunk:
            characters += len(request[0].text)
            if characters > CHUNK_CHARACTERS:
                break
            chunk.append(request.popleft())
        if request:
            self.requests.append(request)
        return chunk

    def end_chunk(self, rest: deque[Task], seconds: float) -> None:
        """Take back the messages of a chunk that were not rendered, and count its time."""
        if rest:
            self.requests.appendleft(rest)
        self.seconds += seconds
        self._chunk = min(2 * self._chunk, CHUNK) if seconds < FAST_SECONDS else 1


class RenderPool:
    """The child processes of one server process, each started when it is needed."""

    def __init__(
        self,
        program: str = PROGRAM,
        processes: int = PROCESSES,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self.counts = Counts()
        self._program = program
        self._size = processes
        self._answer_seconds = answer_seconds
        self._slots: list[_Slot] = []
        self._readers: dict[Hashable, _Reader] = {}
        self._started = asyncio.Event()
        self._is_closed = False

    def submit(
        self, texts: Sequence[str], reader_id: Hashable = None
    ) -> "list[asyncio.Future[Outcome]]":
        """Queue the messages of a reader's request; return their outcomes in the same order."""
        loop = asyncio.get_running_loop()
        tasks = [Task(text, loop.create_future()) for text in texts]
        reader = self._readers.setdefault(reader_id, _Reader())
        characters = sum(each.characters for each in self._readers.values())
        accepted: deque[Task] = deque()
        for task in tasks:
            characters += len(task.text)
            has_space = characters <= MAX_QUEUED_CHARACTERS and reader.has_space(task)
            if self._is_closed or not has_space:
                task.done.set_result(NOT_NOW)
            else:
                reader.count(task, 1)
                accepted.append(task)
        if accepted:
            reader.requests.append(accepted)
            self._start_slot()
        return [task.done for task in tasks]

    async def wait_until_started(self) -> None:
        """Wait until a process can take messages, or cannot be started."""
        await self._started.wait()

    async def close(self) -> None:
        """End the processes; messages that wait are not rendered."""
        self._is_closed = True
        serving = [slot.task for slot in self._slots if slot.task is not None]
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        for slot in self._slots:
            await slot.process.close()
        for reader in self._readers.values():
            for waiting in chain.from_iterable(reader.requests):
                self._resolve(reader, waiting, NOT_NOW)
        self._readers.clear()

    @property
    def pids(self) -> list[int]:
        """The ids of the running processes."""
        return [slot.process.pid for slot in self._slots if slot.process.pid is not None]

    @property
    def queued(self) -> int:
        """The number of messages that are not rendered yet."""
        return sum(reader.queued for reader in self._readers.values())

    def _start_slot(self) -> None:
        """Have one more slot take messages, unless all are busy."""
        slot = next((slot for slot in self._slots if slot.is_idle), None)
        if slot is None and len(self._slots) < self._size:
            slot = _Slot(DeadlineProcess(self._program, self._answer_seconds, self.counts))
            self._slots.append(slot)
        if slot is not None:
            slot.task = asyncio.create_task(self._serve(slot.process))

    async def _serve(self, process: DeadlineProcess) -> None:
        """Render what waits, a chunk at a time."""
        while (reader := self._next_reader()) is not None:
            await self._render_chunk(process, reader, reader.take_chunk())

    def _next_reader(self) -> _Reader | None:
        """Return the reader who used the least time, and forget those without messages."""
        self._readers = {
            reader_id: reader
            for reader_id, reader in self._readers.items()
            if reader.requests or reader.active
        }
        waiting = [reader for reader in self._readers.values() if reader.requests]
        return min(waiting, key=lambda reader: reader.seconds, default=None)

    async def _render_chunk(
        self, process: DeadlineProcess, reader: _Reader, chunk: deque[Task]
    ) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        reader.active += 1
        try:
            rest = await self._render(process, reader, chunk)
        except asyncio.CancelledError:
            for task in chunk:
                self._resolve(reader, task, NOT_NOW)
            raise
        finally:
            reader.active -= 1
        reader.end_chunk(rest, loop.time() - started)

    async def _render(
        self, process: DeadlineProcess, reader: _Reader, chunk: deque[Task]
    ) -> deque[Task]:
        """Render messages until one has no result; return those after it."""
        waiting = deque(chunk)
        try:
            await self._start(process)
            async with aclosing(process.results([task.text.encode() for task in chunk])) as results:
                async for html in results:
                    outcome = Outcome(html.decode(), is_final=True)
                    self._resolve(reader, waiting.popleft(), outcome)
        except CannotStart:
            _log.error("a rendering process cannot be started")
            while waiting:
                self._resolve(reader, waiting.popleft(), NOT_NOW)
        except OutOfTime:
            self._resolve(reader, waiting.popleft(), Outcome(None, is_final=True))
        except DeadlineError as error:
            _log.warning("a message was not rendered", reason=str(error))
            self._resolve(reader, waiting.popleft(), NOT_NOW)
        return waiting

    async def _start(self, process: DeadlineProcess) -> None:
        try:
            await process.start()
        finally:
            self._started.set()

    def _resolve(self, reader: _Reader, task: Task, outcome: Outcome) -> None:
        if not task.done.done():
            task.done.set_result(outcome)
            reader.count(task, -1)
