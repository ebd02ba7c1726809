"""The log of durable events: its bounds, reading, notifying other processes, pruning."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

import asyncpg
from msgspec import Struct

from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import EventRecord
from rustygpt_server.errors import Unavailable


class LogBounds(Struct, frozen=True):
    """A conversation's last event number, and the oldest one that is still in the log.

    `oldest` is `position + 1` when the log is empty.
    """

    position: int
    oldest: int


class StreamKey(Struct, frozen=True):
    """What an open stream depends on: a session or a token, its user, and a membership."""

    session_id: UUID
    """The id of the session, or of the personal token."""
    user_id: UUID
    conversation_id: UUID | None
    """None for a stream of all conversations whose user is in none."""
    generation: int = 0
    """The generation of the session's tokens when the stream was opened."""


class RevokedStream(Struct, frozen=True):
    """A stream whose user may not follow it any more."""

    stream: StreamKey
    reason: Literal["removed", "session_ended", "password_changed"]


async def read_log_bounds(
    db: Database, queries: list[tuple[UUID, UUID | None]]
) -> list[dict[UUID, LogBounds]]:
    """Return, per query (user, conversation), the bounds of the logs that the user may read.

    A query without a conversation is for all conversations of the user. Conversations that the user
    is not in are left out.
    """
    rows = await db.fetch(
        "SELECT * FROM rustygpt.read_log_bounds($1, $2)",
        [user_id for user_id, _ in queries],
        [conversation_id for _, conversation_id in queries],
    )
    results: list[dict[UUID, LogBounds]] = [{} for _ in queries]
    for ordinal, conversation_id, *bounds in rows:
        results[ordinal - 1][conversation_id] = LogBounds(*bounds)
    return results


async def read_events(
    db: Database, conversation_id: UUID, after: int, limit: int
) -> list[EventRecord]:
    """Return the events after a number, in order, as the system."""
    rows = await db.fetch(
        "SELECT * FROM rustygpt.read_events($1, $2, $3)", conversation_id, after, limit
    )
    return [EventRecord(conversation_id, *row) for row in rows]


async def read_events_batch(
    db: Database, cursors: Mapping[UUID, int], limit: int
) -> list[EventRecord]:
    """Return the next events of several conversations, each after its number.

    `limit` is per conversation.
    """
    rows = await db.fetch(
        "SELECT * FROM rustygpt.read_events_batch($1, $2, $3)",
        list(cursors),
        list(cursors.values()),
        limit,
    )
    return [EventRecord(*row) for row in rows]


async def list_positions(db: Database, conversation_ids: list[UUID]) -> dict[UUID, int]:
    """Return the last event number of each conversation that exists."""
    rows = await db.fetch("SELECT * FROM rustygpt.list_positions($1)", conversation_ids)
    return {row[0]: row[1] for row in rows}


async def find_events_before(
    db: Database, conversation_ids: list[UUID], time: datetime, depth: int
) -> dict[UUID, int]:
    """Return the number of each conversation's last event before a time.

    Only the last `depth` events are searched; conversations without a match are left out.
    """
    rows = await db.fetch(
        "SELECT * FROM rustygpt.find_events_before($1, $2, $3)", conversation_ids, time, depth
    )
    return {row[0]: row[1] for row in rows}


async def notify_processes(db: Database, channel: str, packets: list[str]) -> None:
    """Send packets of less than 8,000 bytes each to the processes that listen on a channel.

    Raises Unavailable when PostgreSQL's queue of notifications is full, which happens while a
    listening session keeps a transaction open.
    """
    try:
        await db.fetch_value("SELECT rustygpt.notify_processes($1, $2)", channel, packets)
    except asyncpg.ProgramLimitExceededError as error:
        raise Unavailable("PostgreSQL's queue of notifications is full.") from error


async def find_revoked_streams(
    db: Database, streams: list[StreamKey], now: datetime
) -> list[RevokedStream]:
    """Return the open streams whose membership, account, session or token has ended."""
    rows = await db.fetch(
        "SELECT * FROM rustygpt.find_revoked_streams($1, $2, $3, $4, $5)",
        [stream.session_id for stream in streams],
        [stream.generation for stream in streams],
        [stream.user_id for stream in streams],
        [stream.conversation_id for stream in streams],
        now,
    )
    return [RevokedStream(streams[row[0] - 1], row[1]) for row in rows]


async def prune_events(
    db: Database, now: datetime, *, retention_hours: int, max_per_conversation: int, batch: int
) -> int:
    """Delete one batch of old events; return how many were deleted (0: none are left)."""
    return int(
        await db.fetch_value(
            "SELECT rustygpt.prune_events($1, $2, $3, $4)",
            now,
            retention_hours,
            max_per_conversation,
            batch,
        )
    )
