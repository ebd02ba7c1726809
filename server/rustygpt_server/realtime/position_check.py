"""The decision when to compare open channels with the event log.

The comparison itself is in `catchup`.
"""

import random

from rustygpt_server.db.database import Database
from rustygpt_server.realtime.backplane_handler import BackplaneHandler
from rustygpt_server.realtime.catchup import CatchUp
from rustygpt_server.runtime import Runtime


class PositionCheck:
    """Compares positions every few seconds, and at once when events may have been missed."""

    def __init__(
        self,
        db: Database,
        backplane_handler: BackplaneHandler,
        catch_up: CatchUp,
        runtime: Runtime,
    ) -> None:
        self._db = db
        self._backplane_handler = backplane_handler
        self._catch_up = catch_up
        self._clock = runtime.clock
        self._interval = runtime.limits.position_check
        self._next_check = 0.0
        self._unconfirmed_seen = db.unconfirmed

    async def check_if_due(self) -> None:
        """Compare positions if the interval is over, or backplane messages may have been missed.

        The interval varies at random, so that many processes do not query at the same time.
        """
        gap = self._backplane_handler.pop_gap()
        now = self._clock.monotonic()
        if gap or now >= self._next_check:
            pace = random.uniform(0.8, 1.2)  # noqa: S311 - jitter is no secret
            self._next_check = now + self._interval * pace
            await self._catch_up.check()

    async def check_if_unconfirmed(self) -> None:
        """Compare positions soon if a write's result was lost with its connection.

        Such a write may be committed, and nothing published its events.
        """
        if self._unconfirmed_seen != self._db.unconfirmed:
            self._unconfirmed_seen = self._db.unconfirmed
            self._catch_up.schedule_check()
