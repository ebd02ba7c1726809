"""The backplane over PostgreSQL's NOTIFY: no further service, and the same reach as the database.

NOTIFY takes a lock that all commits of the cluster share, so it is never part of a transaction
that writes: it has a connection of its own, which does not wait for the disk.
"""

import asyncio
from contextlib import suppress
from uuid import UUID

import msgspec

from rustygpt_server.clock import Clock
from rustygpt_server.db import feeds
from rustygpt_server.db.database import Database
from rustygpt_server.db.listen import Line
from rustygpt_server.db.refusals import DatabaseError
from rustygpt_server.realtime.backplane import Ear, Unheard
from rustygpt_server.realtime.outgoing import Outgoing
from rustygpt_server.realtime.words import Word, unpack
from rustygpt_server.telemetry import Metrics, log

_log = log(__name__)

START_SECONDS = 3.0
PACKETS_AT_ONCE = 64


class PostgresBackplane:
    """One process's line to the others; `instance` tells its own packets from theirs."""

    def __init__(
        self, line: Line, notifier: Database, instance: str, clock: Clock, metrics: Metrics
    ) -> None:
        self._line = line
        self._notifier = notifier
        self._instance = instance
        self._metrics = metrics
        self._outgoing = Outgoing(instance, self._notify, clock)
        self._ear: Ear | None = None
        self._listening: asyncio.Task[None] | None = None

    async def start(self, ear: Ear) -> None:
        """Listen; waits a moment for the line, and goes on without it."""
        self._ear = ear
        self._listening = asyncio.create_task(self._line.run(self._take, ear.returned))
        with suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                await self._line.up.wait()

    async def stop(self) -> None:
        """Send what waits, and hang up."""
        await self._outgoing.stop()
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening

    @property
    def hears(self) -> bool:
        """Whether the line is up."""
        return self._line.up.is_set()

    def announce(self, conversation_id: UUID, number: int) -> None:
        """Tell how far a conversation's log goes."""
        self._outgoing.announce(conversation_id, number)

    def say(self, word: Word) -> None:
        """Tell something passing."""
        self._outgoing.say(word)

    async def _notify(self, packets: list[str]) -> None:
        try:
            for start in range(0, len(packets), PACKETS_AT_ONCE):
                await feeds.notify(self._notifier, packets[start : start + PACKETS_AT_ONCE])
        except DatabaseError as error:
            raise Unheard(str(error)) from error
        self._metrics.packets.labels("out").inc(len(packets))

    def _take(self, data: str) -> None:
        try:
            packet = unpack(data)
        except msgspec.MsgspecError:
            _log.warning("a notification that is none of ours", size=len(data))
            return
        if packet.sender == self._instance or self._ear is None:
            return
        self._metrics.packets.labels("in").inc()
        if packet.positions:
            self._ear.positions(packet.positions)
        for word in packet.words:
            self._ear.word(word)
