"""Health probes and metrics."""

import asyncio
from collections.abc import Awaitable, Callable

from rustygpt_server.db import system
from rustygpt_server.db.database import Database
from rustygpt_server.errors import RequestError
from rustygpt_server.realtime.backplane import Backplane
from rustygpt_server.realtime.registry import SubscriberRegistry
from rustygpt_server.runtime import Runtime

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
    ) -> None:
        self._db = db
        self._backplane = backplane
        self._subscribers = subscribers
        self._timeout = runtime.limits.ready_check
        self._metrics = runtime.metrics
        self._missing = missing

    async def missing(self) -> list[str]:
        """Return why the server is not ready, one phrase each; empty if it is ready."""
        if self._subscribers.draining:
            return ["the server is shutting down"]
        try:
            async with asyncio.timeout(self._timeout):
                await system.ping(self._db)
                return await self._missing()
        except (RequestError, TimeoutError):
            return ["the database does not answer"]

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
