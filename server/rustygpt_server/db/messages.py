"""Messages: write a root or a reply, show one, list an answer's stored pieces."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import Logged, Once, logged
from rustygpt_shared import codec
from rustygpt_shared.models.messages import Chunk, MessageView, Posted, Usage


class Draft(Struct, frozen=True):
    """A message to be written."""

    id: UUID
    content: str
    role: str = "user"
    model: str | None = None
    once: Once | None = None


class Answering(Struct, frozen=True):
    """Who would write the assistant's answer, should the conversation's mode ask for one."""

    answer_id: UUID
    runner: str
    default_model: str
    lease_until: datetime


class Begun(Struct, frozen=True):
    """An answer that was begun in the same transaction: its row exists, `streaming`."""

    message_id: UUID
    model: str


class Written(Struct, frozen=True):
    """A new message, its events in order, and the answer it started, if any.

    A replayed one (same key, same body, within a day) tells the first answer and no events.
    """

    posted: Posted
    replayed: bool
    events: list[Logged]
    answer: Begun | None


async def post_root(
    db: Database,
    actor: UUID,
    conversation_id: UUID,
    draft: Draft,
    answering: Answering | None,
    now: datetime,
) -> Written:
    """Start a thread; Forbidden for viewers and read-only people."""
    return _written(
        await db.fetch_one(
            "SELECT * FROM rustygpt.post_root"
            "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            *_arguments(actor, conversation_id, draft, answering, now),
        )
    )


async def reply(
    db: Database,
    actor: UUID,
    parent_id: UUID,
    draft: Draft,
    answering: Answering | None,
    now: datetime,
) -> Written:
    """Answer a message; Conflict when the place in the tree has no room left for a key."""
    return _written(
        await db.fetch_one(
            "SELECT * FROM rustygpt.reply($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            *_arguments(actor, parent_id, draft, answering, now),
        )
    )


async def get_message(db: Database, actor: UUID, message_id: UUID) -> MessageView:
    """One message; NotFound for those who are not in its conversation."""
    return view(
        *await db.fetch_one("SELECT * FROM rustygpt.get_message($1, $2)", actor, message_id)
    )


async def list_chunks(
    db: Database, actor: UUID, message_id: UUID, first_idx: int, limit: int
) -> list[Chunk]:
    """Stored pieces of an answer, from an index on."""
    rows = await db.fetch(
        "SELECT * FROM rustygpt.list_chunks($1, $2, $3, $4)", actor, message_id, first_idx, limit
    )
    return [Chunk(*row) for row in rows]


def view(*row: Any) -> MessageView:
    """A message from a row in the order of MessageView's fields, usage as JSON text."""
    usage = codec.decode(row[17], Usage) if row[17] else None
    fields = [*row[:17], usage, row[18]]
    return MessageView(*fields)


def _arguments(
    actor: UUID, place: UUID, draft: Draft, answering: Answering | None, now: datetime
) -> tuple[object, ...]:
    once, by = draft.once, answering
    return (
        *(actor, place, draft.id, draft.content, draft.role, draft.model),
        *((once.key, once.body_hash) if once else (None, None)),
        *((by.answer_id, by.runner, by.default_model, by.lease_until) if by else (None,) * 4),
        now,
    )


def _written(row: Any) -> Written:
    begun = Begun(row[9], row[10]) if row[9] else None
    return Written(Posted(*row[:5]), row[5], logged(row[2], *row[6:9]), begun)
