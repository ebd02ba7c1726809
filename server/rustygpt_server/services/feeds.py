"""Open a stream by right, and end the streams that lost it."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import cast
from uuid import UUID

from rustygpt_server.clock import Clock
from rustygpt_server.db import feeds, sessions
from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import Logged
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.outbox import Outbox
from rustygpt_server.realtime.reader import Identity, Reader
from rustygpt_server.realtime.resume import start_at, stream
from rustygpt_server.services.rights import Rights
from rustygpt_server.services.sessions import Signed
from rustygpt_shared.events import CloseReason
from rustygpt_shared.settings import Sse


class DatabaseLog:
    """The log of events that the hub reads."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def read(self, conversation_id: UUID, after: int, limit: int) -> list[Logged]:
        """The events after a number, in order."""
        return await feeds.read_events(self._db, conversation_id, after, limit)

    async def read_behind(self, cursors: Mapping[UUID, int], limit: int) -> list[Logged]:
        """The next events of several conversations, each after its number."""
        return await feeds.read_behind(self._db, cursors, limit)

    async def positions(self, conversation_ids: list[UUID]) -> dict[UUID, int]:
        """How far conversations' logs go."""
        return await feeds.list_positions(self._db, conversation_ids)


class Feeds:
    """Streams, as far as rights go."""

    def __init__(
        self,
        db: Database,
        hub: Hub,
        rights: Rights,
        settings: Sse,
        clock: Clock,
        idle_seconds: int,
    ) -> None:
        self._db = db
        self._hub = hub
        self._rights = rights
        self._settings = settings
        self._clock = clock
        self._idle_seconds = idle_seconds
        self._unsure = db.unsure

    def later(self, signed: Signed) -> bytes | None:
        """What to answer instead of a stream when there are too many: when to come back."""
        if not self._hub.streams.is_full_for(signed.user.id):
            return None
        return f"retry: {self._hub.streams.retry_ms()}\n\n".encode()

    @asynccontextmanager
    async def open_feed(
        self, signed: Signed, conversation_id: UUID, last_event_id: str | None
    ) -> AsyncIterator[AsyncGenerator[bytes, None]]:
        """A stream's bytes; refused for those who are not in the conversation.

        The reader joins before its right is checked, so that what ends it in between is not missed.
        """
        session = signed.session
        identity = Identity(signed.user.id, session.id, session.absolute_expires_at)
        reader = Reader(conversation_id, identity, Outbox(self._settings.channel_capacity))
        self._hub.join(reader)
        try:
            self._rights.refuse_over(session.id)
            opening = await feeds.open_feed(self._db, signed.user.id, conversation_id)
            start = start_at(last_event_id, opening, self._settings.max_backfill_events)
            async with aclosing(stream(self._hub, reader, start, opening)) as pieces:
                yield pieces
        finally:
            self._hub.leave(reader)

    async def check_readers(self) -> None:
        """End the streams whose right is over by now; for the others, reading counts as use."""
        readers = list(self._hub.streams)
        asked = [
            feeds.Reader(r.identity.session_id, r.identity.user_id, r.conversation_id)
            for r in readers
        ]
        if not asked:
            return
        using = list({reader.session_id for reader in asked})
        await sessions.touch_sessions(self._db, using, self._idle_seconds, self._clock.now())
        lost = {
            (one.reader.session_id, one.reader.conversation_id): one.reason
            for one in await feeds.check_readers(self._db, asked, self._clock.now())
        }
        for reader in readers:
            reason = lost.get((reader.identity.session_id, reader.conversation_id))
            if reason:
                reader.close(cast("CloseReason", reason))

    async def keep_rights(self) -> None:
        """Act on what others did to rights; look at every stream where the log says too little."""
        await self._rights.poll()
        if self._rights.missed:
            await self.check_readers()
            self._rights.missed = False

    async def end_due(self) -> None:
        """End the streams that are past their session or a removal; asks nobody."""
        self._hub.streams.end_expired()
        self._rights.end_late()

    async def look_again(self) -> None:
        """Look for events of writes whose answer was lost with their connection."""
        if self._unsure != self._db.unsure:
            self._unsure = self._db.unsure
            self._hub.look_again()

    async def prune_events(self) -> None:
        """Take old events out of the log, in small bites."""
        keep = self._settings.persistence
        while await feeds.prune_events(
            self._db,
            self._clock.now(),
            retention_hours=keep.retention_hours,
            max_per_conversation=keep.max_events_per_conversation,
            batch=keep.prune_batch_size,
        ):
            await self._clock.sleep(0)
