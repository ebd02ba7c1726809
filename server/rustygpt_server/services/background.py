"""What a server does by itself, again and again: leases, rights of streams, pruning."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from rustygpt_server.assistant.manager import AnswerManager
from rustygpt_server.db import access_changes, sessions
from rustygpt_server.db.database import Database
from rustygpt_server.errors import RequestError
from rustygpt_server.realtime.backplane_handler import BackplaneHandler
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.runtime import Runtime
from rustygpt_server.services.streams import StreamService
from rustygpt_server.services.unread import UnreadCounter
from rustygpt_server.telemetry import log

_log = log(__name__)

MAX_ACCESS_CHANGES = 10_000
"""A process that lacks more of what was done to rights looks at every stream."""

PeriodicTask = Callable[[], Awaitable[object]]


class BackgroundTasks:
    """The chores of one process."""

    def __init__(
        self,
        db: Database,
        hub: Hub,
        answer_manager: AnswerManager,
        streams: StreamService,
        unread: UnreadCounter,
        backplane_handler: BackplaneHandler,
        runtime: Runtime,
    ) -> None:
        self._db = db
        self._hub = hub
        self._unread = unread
        self._backplane_handler = backplane_handler
        self._position_check = runtime.limits.position_check
        self._next_check = 0.0
        self._clock = runtime.clock
        self._periodic_tasks: list[tuple[float, PeriodicTask]] = [
            (runtime.limits.lease_renewal, answer_manager.renew_leases_and_fail_orphans),
            (runtime.limits.cancel_check, answer_manager.stop_cancelled),
            (runtime.limits.log_retry, streams.recheck_log_if_unconfirmed),
            (runtime.limits.stream_sweep, streams.close_due),
            (runtime.limits.session_check, streams.revalidate_streams),
            (runtime.limits.access_poll, streams.poll_access_changes),
            (runtime.limits.prune_interval, streams.prune_events),
            (runtime.limits.prune_interval, self._prune_sessions),
            (runtime.limits.ring_idle, self._evict_idle),
            (runtime.limits.backplane_check, self._compare_positions),
            (runtime.limits.gauge_interval, self._count_sessions),
            (hub.subscribers.tick_seconds, self._tick),
        ]
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    def add(self, interval: float, task: PeriodicTask) -> None:
        """Do something more, every so many seconds."""
        self._periodic_tasks.append((interval, task))

    def start(self) -> None:
        """Begin; each chore is done at once, and then at its interval."""
        self._tasks = [asyncio.create_task(self._repeat(*chore)) for chore in self._periodic_tasks]

    async def stop(self) -> None:
        """Stop, and wait until every chore has let go of what it held."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._unread.stop()

    async def _repeat(self, interval: float, task: PeriodicTask) -> None:
        while not self._stopping:
            try:
                await task()
            except RequestError as error:
                _log.warning("a chore has to wait", chore=task.__name__, reason=str(error))
            except Exception:  # noqa: BLE001 - a task's boundary: one bad round must not end all
                _log.error("a chore failed", chore=task.__name__, exc_info=True)
            if not self._stopping:  # a library may have swallowed the cancellation
                await self._clock.sleep(interval)

    async def _prune_sessions(self) -> None:
        await sessions.prune_sessions(self._db, self._clock.now())
        await access_changes.prune_access_changes(self._db, MAX_ACCESS_CHANGES)

    async def _tick(self) -> None:
        self._hub.subscribers.tick()

    async def _count_sessions(self) -> None:
        alive = await sessions.count_sessions(self._db, self._clock.now())
        self._hub.metrics.active_sessions.set(alive)

    async def _evict_idle(self) -> None:
        self._hub.evict_idle()
        self._unread.evict_idle()
        self._backplane_handler.expire_answers()

    async def _compare_positions(self) -> None:
        """Compare with the log now and then; at once when words were missed.

        Each process has a pace of its own, so that many do not ask in the same moment.
        """
        gap, now = self._backplane_handler.pop_gap(), self._clock.monotonic()
        if gap or now >= self._next_check:
            pace = random.uniform(0.8, 1.2)  # noqa: S311 - jitter is no secret
            self._next_check = now + self._position_check * pace
            await self._hub.catch_up.check()
