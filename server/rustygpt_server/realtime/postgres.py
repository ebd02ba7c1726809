"""The wire over PostgreSQL's NOTIFY: no further service, and the same reach as the database.

NOTIFY takes a lock that all commits of the cluster share, so it is never part of a transaction
that writes: it has a connection of its own, which does not wait for the disk.
"""

import asyncio
from collections.abc import Callable

from rustygpt_server.db import feeds
from rustygpt_server.db.database import Database
from rustygpt_server.db.listen import Line
from rustygpt_server.db.refusals import DatabaseError
from rustygpt_server.realtime.backplane import Unheard

PACKETS_AT_ONCE = 64


class PostgresWire:
    """A connection that listens, and one that tells, on the same channel."""

    def __init__(self, line: Line, notifier: Database, channel: str) -> None:
        self._line = line
        self._notifier = notifier
        self._channel = channel
        self.up: asyncio.Event = line.up

    async def run(self, on_data: Callable[[str], None], on_up: Callable[[], None]) -> None:
        """Listen until cancelled."""
        await self._line.run(self._channel, on_data, on_up)

    async def send(self, packets: list[str]) -> None:
        """Tell packets in order; raises Unheard."""
        try:
            for start in range(0, len(packets), PACKETS_AT_ONCE):
                some = packets[start : start + PACKETS_AT_ONCE]
                await feeds.tell_processes(self._notifier, self._channel, some)
        except DatabaseError as error:
            raise Unheard(str(error)) from error
