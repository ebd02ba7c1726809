"""The log of durable events: where a reader may start, what comes after, and pruning."""

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
    """A conversation's last event number, and the oldest one still in the log.

    `oldest` is `position + 1` when the log holds nothing.
    """

    position: int
    oldest: int


class StreamKey(Struct, frozen=True):
    """An open stream: who reads what, by which session."""

    session_id: UUID
    user_id: UUID
    conversation_id: UUID | None
    """None for one of all conversations while there are none."""


class RevokedStream(Struct, frozen=True):
    """A reader that lost the right to its stream."""

    stream: StreamKey
    reason: Literal["removed", "session_ended"]


async def read_log_bounds(
    db: Database, wanted: list[tuple[UUID, UUID | None]]
) -> list[dict[UUID, LogBounds]]:
    """Where streams stand, each wanted by a person: of a conversation, or of all that it is in.

    Conversations that the person is not in are left out.
    """
    rows = await db.fetch(
        "SELECT * FROM rustygpt.read_log_bounds($1, $2)",
        [user_id for user_id, _ in wanted],
        [conversation_id for _, conversation_id in wanted],
    )
    found: list[dict[UUID, LogBounds]] = [{} for _ in wanted]
    for place, conversation_id, *bounds in rows:
        found[place - 1][conversation_id] = LogBounds(*bounds)
    return found


async def read_events(
    db: Database, conversation_id: UUID, after: int, limit: int
) -> list[EventRecord]:
    """Events after a number, in order; asked by the system."""
    rows = await db.fetch(
        "SELECT * FROM rustygpt.read_events($1, $2, $3)", conversation_id, after, limit
    )
    return [EventRecord(conversation_id, *row) for row in rows]


async def read_events_batch(
    db: Database, cursors: Mapping[UUID, int], limit: int
) -> list[EventRecord]:
    """The next events of conversations, each after its number; `limit` is per conversation."""
    rows = await db.fetch(
        "SELECT * FROM rustygpt.read_events_batch($1, $2, $3)",
        *(list(cursors), list(cursors.values()), limit),
    )
    return [EventRecord(*row) for row in rows]


async def list_positions(db: Database, conversation_ids: list[UUID]) -> dict[UUID, int]:
    """How far conversations' logs go; those that are gone are left out."""
    rows = await db.fetch("SELECT * FROM rustygpt.list_positions($1)", conversation_ids)
    return {row[0]: row[1] for row in rows}


async def notify_processes(db: Database, channel: str, packets: list[str]) -> None:
    """Tell other processes something; each packet has less than 8,000 bytes.

    PostgreSQL's queue of notifications is full when somebody who listens holds a transaction open.
    """
    try:
        await db.fetch_value("SELECT rustygpt.notify_processes($1, $2)", channel, packets)
    except asyncpg.ProgramLimitExceededError as error:
        raise Unavailable("PostgreSQL's queue of notifications is full.") from error


async def find_revoked_streams(
    db: Database, streams: list[StreamKey], now: datetime
) -> list[RevokedStream]:
    """Which open streams lost their right: membership, account or session."""
    rows = await db.fetch(
        "SELECT * FROM rustygpt.find_revoked_streams($1, $2, $3, $4)",
        [r.session_id for r in streams],
        [r.user_id for r in streams],
        [r.conversation_id for r in streams],
        now,
    )
    return [RevokedStream(streams[row[0] - 1], row[1]) for row in rows]


async def prune_events(
    db: Database, now: datetime, *, retention_hours: int, max_per_conversation: int, batch: int
) -> int:
    """Take old events out of the log, a batch at a time; answers how many went (0: done)."""
    return int(
        await db.fetch_value(
            "SELECT rustygpt.prune_events($1, $2, $3, $4)",
            now,
            retention_hours,
            max_per_conversation,
            batch,
        )
    )
