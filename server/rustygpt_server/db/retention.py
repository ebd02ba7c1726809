"""Retention: what is kept for how long, what would be deleted, and deleting it in batches."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import EventRecord, event_records
from rustygpt_server.telemetry import client_address
from rustygpt_shared import codec
from rustygpt_shared.models.retention import ConversationRetention, ExpiredCounts


class ServerRetention(Struct, frozen=True):
    """The retention of the server in days; None is for ever."""

    messages_days: int | None
    deleted_messages_days: int | None
    events_days: int | None
    audit_days: int | None


class ExpiredMessages(Struct, frozen=True):
    """How many messages lost their text, and the events of that."""

    count: int
    events: list[EventRecord]


class CheckedConversation(Struct, frozen=True):
    """A conversation, and whether something in it is older than its retention permits."""

    conversation_id: UUID
    expired: bool


async def show_retention(db: Database, actor: UUID) -> ServerRetention:
    """Return the retention of the server; raise Forbidden for non-administrators."""
    return ServerRetention(*await db.fetch_one("SELECT * FROM rustygpt.show_retention($1)", actor))


async def list_conversation_retention(
    db: Database, actor: UUID, after: UUID | None, limit: int
) -> list[ConversationRetention]:
    """Return conversations with a retention of their own, by id, after an id."""
    rows = await db.fetch(
        "SELECT * FROM rustygpt.list_conversation_retention($1, $2, $3)", actor, after, limit
    )
    return [ConversationRetention(*row) for row in rows]


async def set_retention(
    db: Database, actor: UUID, conversation_id: UUID | None, changes: dict[str, int | None]
) -> None:
    """Change the retention of the server, or of a conversation, which NotFound says is unknown."""
    await db.fetch_value(
        "SELECT rustygpt.set_retention(rustygpt.from_address($1::uuid, $4), $2, $3)",
        actor,
        conversation_id,
        codec.encode(changes).decode(),
        client_address(),
    )


async def preview_retention(
    db: Database,
    actor: UUID,
    conversation_id: UUID | None,
    changes: dict[str, int | None],
    now: datetime,
    maximum: int,
) -> ExpiredCounts:
    """Return what a change would delete, up to a maximum of each; change nothing."""
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.preview_retention($1, $2, $3, $4, $5)",
        actor,
        conversation_id,
        codec.encode(changes).decode(),
        now,
        maximum,
    )
    return ExpiredCounts(*row)


async def list_expired(
    db: Database, after: UUID | None, limit: int, now: datetime
) -> list[CheckedConversation]:
    """Return the next conversations by id, as the system; none if all is kept for ever."""
    rows = await db.fetch("SELECT * FROM rustygpt.list_expired($1, $2, $3)", after, limit, now)
    return [CheckedConversation(*row) for row in rows]


async def expire_messages(
    db: Database, conversation_id: UUID, batch: int, now: datetime
) -> ExpiredMessages:
    """Delete the texts of old messages of a conversation, as the system."""
    row: Any = await db.fetch_one(
        "SELECT * FROM rustygpt.expire_messages($1, $2, $3)", conversation_id, batch, now
    )
    return ExpiredMessages(row[0], event_records(conversation_id, *row[1:]))


async def purge_deleted_messages(
    db: Database, conversation_id: UUID, batch: int, now: datetime
) -> int:
    """Delete the kept texts of deleted messages, as the system; return of how many."""
    return int(
        await db.fetch_value(
            "SELECT rustygpt.purge_deleted_messages($1, $2, $3)", conversation_id, batch, now
        )
    )


async def remove_empty_threads(
    db: Database, conversation_id: UUID, batch: int, now: datetime
) -> int:
    """Delete threads in which nothing is left, as the system; return 0 when there are none."""
    return int(
        await db.fetch_value(
            "SELECT rustygpt.remove_empty_threads($1, $2, $3)", conversation_id, batch, now
        )
    )
