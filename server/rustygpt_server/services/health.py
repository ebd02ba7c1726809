"""Whether the server can do its work, and what it lacks."""

import asyncio
from collections.abc import Awaitable, Callable

from rustygpt_server.db import system
from rustygpt_server.db.database import Database
from rustygpt_server.errors import RequestError
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.telemetry import Metrics

Missing = Callable[[], Awaitable[list[str]]]


class Health:
    """Answers the probes."""

    def __init__(self, db: Database, hub: Hub, metrics: Metrics, missing: Missing) -> None:
        self._db = db
        self._timeout = hub.limits.ready_check
        self._hub = hub
        self._metrics = metrics
        self._missing = missing

    async def missing(self) -> list[str]:
        """What keeps the server from its work, in words; empty when it is ready."""
        if self._hub.subscribers.draining:
            return ["the server is shutting down"]
        try:
            async with asyncio.timeout(self._timeout):
                await system.ping(self._db)
                return await self._missing()
        except (RequestError, TimeoutError):
            return ["the database does not answer"]

    def count(self, endpoint: str, status: str) -> None:
        """Count a probe that was answered."""
        self._metrics.health.labels(endpoint, status).inc()

    async def sample(self) -> None:
        """Note what is measured and not counted; each process does so for itself."""
        self._metrics.pool_max.set(self._db.size)
        self._metrics.pool_in_use.set(self._db.in_use)
        self._metrics.backplane_up.set(self._hub.backplane.connected)

    async def report(self) -> bytes:
        """All metrics as Prometheus text."""
        await self.sample()
        self._hub.subscribers.flush_metrics()
        return self._metrics.report()
