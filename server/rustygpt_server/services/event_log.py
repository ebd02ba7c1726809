"""The event log in the database: reading it for the hub, and pruning it."""

from collections.abc import Mapping
from uuid import UUID

from rustygpt_server.clock import Clock
from rustygpt_server.db import events
from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import EventRecord
from rustygpt_shared.settings import Persistence


class DatabaseEventLog:
    """The durable events as PostgreSQL stores them; see realtime.catchup.EventLog."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def read(self, conversation_id: UUID, after: int, limit: int) -> list[EventRecord]:
        """Return events of a conversation after a number, in order."""
        return await events.read_events(self._db, conversation_id, after, limit)

    async def read_batch(self, cursors: Mapping[UUID, int], limit: int) -> list[EventRecord]:
        """Return the next events of several conversations, up to `limit` of each, in order."""
        return await events.read_events_batch(self._db, cursors, limit)

    async def positions(self, conversation_ids: list[UUID]) -> dict[UUID, int]:
        """Return the last event number of each conversation that exists."""
        return await events.list_positions(self._db, conversation_ids)


async def prune_events(db: Database, settings: Persistence, clock: Clock) -> None:
    """Delete the events that settings no longer keep, in batches that each lock little."""
    while await events.prune_events(
        db,
        clock.now(),
        retention_hours=settings.retention_hours,
        max_per_conversation=settings.max_events_per_conversation,
        batch=settings.prune_batch_size,
    ):
        await clock.sleep(0)
