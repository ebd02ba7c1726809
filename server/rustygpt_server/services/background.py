"""Running the periodic tasks of one process.

What the tasks are is in `app.periodic_tasks`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from msgspec import Struct

from rustygpt_server.clock import Clock
from rustygpt_server.errors import RequestError
from rustygpt_server.telemetry import log

_log = log(__name__)


class PeriodicTask(Struct, frozen=True):
    """Work that is done again and again."""

    name: str
    """How log messages call it."""
    interval: float
    """The seconds between the end of one run and the start of the next."""
    run: Callable[[], Awaitable[object]]


class BackgroundTasks:
    """Runs periodic tasks, each independently: one that fails does not stop any other."""

    def __init__(self, periodic_tasks: Iterable[PeriodicTask], clock: Clock) -> None:
        self._periodic_tasks = list(periodic_tasks)
        self._clock = clock
        self._running: list[asyncio.Task[None]] = []
        self._stopping = False

    def start(self) -> None:
        """Start every task; each runs at once, and then at its interval."""
        self._running = [asyncio.create_task(self._repeat(one)) for one in self._periodic_tasks]

    async def stop(self) -> None:
        """Cancel every task, and wait until all have released what they held."""
        self._stopping = True
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def statistics(self) -> dict[str, int]:
        """Return how many tasks are `configured`, and how many of them are `running`."""
        return {
            "configured": len(self._periodic_tasks),
            "running": sum(not task.done() for task in self._running),
        }

    async def _repeat(self, task: PeriodicTask) -> None:
        while not self._stopping:
            try:
                await task.run()
            except RequestError as error:
                _log.warning("a periodic task will be retried", task=task.name, reason=str(error))
            except Exception:  # noqa: BLE001 - a task's boundary: the next run may succeed
                _log.error("a periodic task failed", task=task.name, exc_info=True)
            if not self._stopping:  # a library may have swallowed the cancellation
                await self._clock.sleep(task.interval)
