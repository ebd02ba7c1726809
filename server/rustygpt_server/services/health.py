"""Health probes and metrics."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from rustygpt_server.db import system
from rustygpt_server.db.database import Database
from rustygpt_server.errors import DiskFull, RequestError, Unavailable
from rustygpt_server.realtime.backplane import Backplane
from rustygpt_server.realtime.registry import SubscriberRegistry
from rustygpt_server.runtime import Runtime

_DISK_FULL: Final = "space on the disk of the database"
_DISK_CHECK_SECONDS: Final = 5.0

Missing = Callable[[], Awaitable[list[str]]]
"""Returns what the database schema lacks, one phrase each."""


class Health:
    """The state of one server process, for probes and for Prometheus."""

    def __init__(
        self,
        db: Database,
        backplane: Backplane,
        subscribers: SubscriberRegistry,
        runtime: Runtime,
        missing: Missing,
        has_space: Callable[[], bool],
    ) -> None:
        """`has_space` returns False when the disk of a database on this machine is full."""
        self._db = db
        self._backplane = backplane
        self._subscribers = subscribers
        self._timeout = runtime.limits.ready_check
        self._clock = runtime.clock
        self._disk_is_full = False
        self._disk_checked: float | None = None
        self._metrics = runtime.metrics
        self._missing = missing
        self._has_space = has_space

    async def missing(self) -> list[str]:
        """Return why the server is not ready, one phrase each; empty if it is ready."""
        if self._subscribers.draining:
            return ["the server is shutting down"]
        try:
            async with asyncio.timeout(self._timeout):
                await system.ping(self._db)
                missing = await self._missing()
                await self._check_disk()
                return [*missing, *([_DISK_FULL] if self._disk_is_full else [])]
        except (RequestError, TimeoutError):
            return ["the database does not answer" if self._has_space() else _DISK_FULL]

    async def _check_disk(self) -> None:
        """Check the space on the database's disk, at most once per interval: it costs a write."""
        now = self._clock.monotonic()
        if self._disk_checked is not None and now - self._disk_checked < _DISK_CHECK_SECONDS:
            return
        self._disk_checked = now
        try:
            await system.check_disk_space(self._db)
            self._disk_is_full = False
        except Unavailable as error:  # any other reason is found by the ping
            self._disk_is_full = isinstance(error, DiskFull)

    def count(self, endpoint: str, status: str) -> None:
        """Count a probe."""
        self._metrics.health.labels(endpoint, status).inc()

    async def sample(self) -> None:
        """Set the gauges of this process: pool sizes and the state of the backplane."""
        self._metrics.pool_max.set(self._db.size)
        self._metrics.pool_in_use.set(self._db.in_use)
        self._metrics.backplane_up.set(self._backplane.connected)

    async def report(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        await self.sample()
        self._subscribers.flush_metrics()
        return self._metrics.report()
