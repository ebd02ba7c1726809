"""Conversations: create, list, show, update, delete; purge deleted ones."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import EventRecord, IdempotencyKey, event_records
from rustygpt_server.telemetry import client_address
from rustygpt_shared import codec
from rustygpt_shared.ids import event_id
from rustygpt_shared.models.conversations import Conversation
from rustygpt_shared.requests import CreateConversation, UpdateConversation


class CreatedConversation(Struct, frozen=True):
    """A new conversation; `replayed` when an earlier request with this key has created it."""

    conversation_id: UUID
    replayed: bool


class UpdatedConversation(Struct, frozen=True):
    """A conversation after a change, and the events of the change, none if it changed nothing."""

    conversation: Conversation
    events: list[EventRecord]


async def create_conversation(
    db: Database,
    actor: UUID,
    conversation_id: UUID,
    request: CreateConversation,
    idempotency: IdempotencyKey | None,
    now: datetime,
) -> CreatedConversation:
    """Create a conversation owned by the actor; raise Forbidden for read-only users."""
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.create_conversation(rustygpt.from_address($1::uuid, $11), "
        "$2, $3, $4, $5, $6, $7, $8, $9, $10)",
        actor,
        conversation_id,
        request.title,
        request.is_group,
        request.assistant_mode,
        request.model,
        request.system_prompt,
        idempotency and idempotency.key,
        idempotency and idempotency.body_hash,
        now,
        client_address(),
    )
    return CreatedConversation(*row)


async def list_conversations(
    db: Database,
    actor: UUID,
    *,
    archived: bool,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Conversation]:
    """Return the user's conversations, latest activity first, after (last_activity_at, id).

    Each has its own position.
    """
    moment, last = before or (None, None)
    rows = await db.fetch(
        "SELECT * FROM rustygpt.list_conversations($1, $2, $3, $4, $5)",
        actor,
        archived,
        moment,
        last,
        limit,
    )
    return [_conversation(row) for row in rows]


async def show_conversation(db: Database, actor: UUID, conversation_id: UUID) -> Conversation:
    """Return one conversation with its position; raise NotFound for users who are not in it."""
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.show_conversation($1, $2)", actor, conversation_id
    )
    return _conversation(row)


async def update_conversation(
    db: Database, actor: UUID, conversation_id: UUID, changes: UpdateConversation, now: datetime
) -> UpdatedConversation:
    """Change a conversation; raise Forbidden unless the actor is one of its administrators."""
    row: Any = await db.fetch_one(
        "SELECT * FROM rustygpt.update_conversation(rustygpt.from_address($1::uuid, $5), "
        "$2, $3, $4)",
        actor,
        conversation_id,
        codec.encode(changes).decode(),
        now,
        client_address(),
    )
    return UpdatedConversation(_conversation(row[:-3]), event_records(conversation_id, *row[-3:]))


async def delete_conversation(
    db: Database, actor: UUID, conversation_id: UUID, now: datetime
) -> list[EventRecord]:
    """Delete a conversation for all its members; raise Forbidden unless the actor is an owner.

    What is in it stays in the database until `purge_conversations` has deleted it.
    """
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.delete_conversation(rustygpt.from_address($1::uuid, $4), $2, $3)",
        actor,
        conversation_id,
        now,
        client_address(),
    )
    return event_records(conversation_id, *row)


async def purge_conversations(db: Database, batch: int) -> int:
    """Delete a batch of what deleted conversations had; return how much (0: nothing is left)."""
    return int(await db.fetch_value("SELECT rustygpt.purge_conversations($1)", batch))


def _conversation(row: Any) -> Conversation:
    fields = [*row[:-1], event_id(row[-1])]
    return Conversation(*fields)
