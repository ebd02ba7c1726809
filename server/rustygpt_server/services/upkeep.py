"""What a server does by itself, again and again: leases, rights of streams, pruning."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from rustygpt_server.assistant.desk import Desk
from rustygpt_server.clock import Clock, TimeLimits
from rustygpt_server.db import controls, sessions
from rustygpt_server.db.database import Database
from rustygpt_server.db.refusals import DatabaseError
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.relay import Relay
from rustygpt_server.services.feeds import Feeds
from rustygpt_server.services.unread import Unread
from rustygpt_server.telemetry import log

_log = log(__name__)

CONTROLS_KEPT = 10_000
"""A process that lacks more of what was done to rights looks at every stream."""

Chore = Callable[[], Awaitable[object]]


class Upkeep:
    """The chores of one process."""

    def __init__(
        self,
        db: Database,
        hub: Hub,
        desk: Desk,
        feeds: Feeds,
        unread: Unread,
        relay: Relay,
        limits: TimeLimits,
        clock: Clock,
    ) -> None:
        self._db = db
        self._hub = hub
        self._unread = unread
        self._relay = relay
        self._position_check = limits.position_check
        self._next_check = 0.0
        self._clock = clock
        self._chores: list[tuple[float, Chore]] = [
            (limits.lease_renewal, desk.keep_leases),
            (limits.cancel_check, desk.stop_cancelled),
            (limits.log_check, feeds.look_again),
            (limits.stream_check, feeds.end_due),
            (limits.session_check, feeds.check_readers),
            (limits.rights_check, feeds.keep_rights),
            (limits.prune_interval, feeds.prune_events),
            (limits.prune_interval, self._prune_rights),
            (limits.ring_idle, self._forget_idle),
            (limits.line_check, self._keep_up),
            (limits.gauge_interval, self._count_sessions),
            (hub.streams.beat_seconds, self._beat),
        ]
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    def add(self, interval: float, chore: Chore) -> None:
        """Do something more, every so many seconds."""
        self._chores.append((interval, chore))

    def start(self) -> None:
        """Begin; each chore is done at once, and then at its interval."""
        self._tasks = [asyncio.create_task(self._repeat(*chore)) for chore in self._chores]

    async def stop(self) -> None:
        """Stop, and wait until every chore has let go of what it held."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._unread.stop()

    async def _repeat(self, interval: float, chore: Chore) -> None:
        while not self._stopping:
            try:
                await chore()
            except DatabaseError as error:
                _log.warning("a chore has to wait", chore=chore.__name__, reason=str(error))
            except Exception:  # noqa: BLE001 - a task's boundary: one bad round must not end all
                _log.error("a chore failed", chore=chore.__name__, exc_info=True)
            if not self._stopping:  # a library may have swallowed the cancellation
                await self._clock.sleep(interval)

    async def _prune_rights(self) -> None:
        await sessions.prune_sessions(self._db, self._clock.now())
        await controls.prune_controls(self._db, CONTROLS_KEPT)

    async def _beat(self) -> None:
        self._hub.streams.beat()

    async def _count_sessions(self) -> None:
        alive = await sessions.count_sessions(self._db, self._clock.now())
        self._hub.metrics.active_sessions.set(alive)

    async def _forget_idle(self) -> None:
        self._hub.forget_idle()
        self._unread.forget_idle()
        self._relay.forget_silent()

    async def _keep_up(self) -> None:
        """Compare with the log now and then; at once when words were missed.

        Each process has a pace of its own, so that many do not ask in the same moment.
        """
        missed, now = self._relay.take_missed(), self._clock.monotonic()
        if missed or now >= self._next_check:
            pace = random.uniform(0.8, 1.2)  # noqa: S311 - jitter is no secret
            self._next_check = now + self._position_check * pace
            await self._hub.catch_up.check()
