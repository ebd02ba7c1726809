"""The rendering process of a terminal, and the bounded queue before it.

The process is started with the first task. What was asked for last is done first, as it is what a
person looks at. Without a process, every task fails: texts stay as they are.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import msgspec

from rustygpt_shared.deadline.process import CannotStart, Counts, DeadlineError, DeadlineProcess
from rustygpt_tui.render import Line
from rustygpt_tui.render.tasks import ColourTask, Task, decode_lines, encode

PROGRAM: Final = "from rustygpt_tui.render.worker import main; main()"
MAX_QUEUED: Final = 64
"""Tasks that wait; the oldest one beyond it is dropped, and asked for again when it is drawn."""
MAX_KEPT: Final = 8 * 1024 * 1024
"""The bytes of encoded lines that are kept."""
ANSWER_SECONDS: Final = 5.0
"""How long a task may take by the clock; its processor time is limited in `worker`."""


class RenderService:
    """Renders beside the event loop; one object for one terminal."""

    def __init__(self, program: str = PROGRAM) -> None:
        self.counts = Counts()
        self.on_done: Callable[[Task], None] = lambda _: None
        """Called with each task that has a result, or has failed."""
        self._process = DeadlineProcess(program, ANSWER_SECONDS, self.counts)
        self._queue: OrderedDict[Task, None] = OrderedDict()
        self._current: Task | None = None
        self._results: OrderedDict[Task, tuple[list[Line] | None, int]] = OrderedDict()
        self._kept = 0
        self._can_start = True
        self._serving: asyncio.Task[None] | None = None

    def is_done(self, task: Task) -> bool:
        """Return whether a task has a result, or has failed."""
        return task in self._results

    def lines(self, task: Task) -> list[Line] | None:
        """Return the result of a task, None when there is none (yet)."""
        result = self._results.get(task)
        if result is None:
            return None
        self._results.move_to_end(task)
        return result[0]

    def request(self, task: Task) -> None:
        """Queue a task, unless it is done or queued."""
        if task in self._results or task == self._current:
            return
        if not self._can_start:
            self._keep(task, None, 0)
            return
        self._queue[task] = None
        self._queue.move_to_end(task)
        if len(self._queue) > MAX_QUEUED:
            self._queue.popitem(last=False)
        if self._serving is None or self._serving.done():
            self._serving = asyncio.get_running_loop().create_task(self._serve())

    def colours(self, code: str, language: str) -> list[Line] | None:
        """Return the lines of code with token styles; queue them when they are not known."""
        task = ColourTask(code, language)
        if self.is_done(task):
            return self.lines(task) or []
        self.request(task)
        return None

    async def close(self) -> None:
        """End the process."""
        self._queue.clear()
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.wait([self._serving])
        await self._process.close()

    async def _serve(self) -> None:
        """Work on the queue until it is empty."""
        while self._queue:
            self._current = self._queue.popitem()[0]
            lines, size = await self._run(self._current)
            task, self._current = self._current, None
            self._keep(task, lines, size)
            self.on_done(task)

    async def _run(self, task: Task) -> tuple[list[Line] | None, int]:
        if not self._can_start:
            return None, 0
        try:
            data = await self._process.run(encode(task))
            return decode_lines(data), len(data)
        except CannotStart:
            self._can_start = False
        except (DeadlineError, msgspec.DecodeError):
            pass
        return None, 0

    def _keep(self, task: Task, lines: list[Line] | None, size: int) -> None:
        self._results[task] = (lines, size)
        self._kept += size
        while self._kept > MAX_KEPT or len(self._results) > 1_000:
            _, (_, dropped) = self._results.popitem(last=False)
            self._kept -= dropped
