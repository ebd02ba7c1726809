"""The pub/sub transport over PostgreSQL's NOTIFY, which needs no further service.

NOTIFY takes a lock that all commits of the cluster share, so it is never part of a transaction that
writes: it is sent on a connection of its own, whose commits do not wait for the disk.
"""

import asyncio
from collections.abc import Callable

from rustygpt_server.db import events
from rustygpt_server.db.database import Database
from rustygpt_server.db.listen import NotificationListener
from rustygpt_server.errors import RequestError
from rustygpt_server.realtime.backplane import PublishFailed

PACKETS_PER_STATEMENT = 64


class PostgresTransport:
    """One connection that listens on a channel, and one that notifies it."""

    def __init__(self, listener: NotificationListener, notifier: Database, channel: str) -> None:
        self._listener = listener
        self._notifier = notifier
        self._channel = channel
        self.connected: asyncio.Event = listener.connected
        """Set while the listening connection is up."""

    async def run(self, on_data: Callable[[str], None], on_connected: Callable[[], None]) -> None:
        """Listen until cancelled."""
        await self._listener.run(self._channel, on_data, on_connected)

    async def send(self, packets: list[str]) -> None:
        """Send packets in order; raises PublishFailed."""
        try:
            for start in range(0, len(packets), PACKETS_PER_STATEMENT):
                batch = packets[start : start + PACKETS_PER_STATEMENT]
                await events.notify_processes(self._notifier, self._channel, batch)
        except RequestError as error:
            raise PublishFailed(str(error)) from error
