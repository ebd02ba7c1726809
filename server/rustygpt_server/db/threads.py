"""Threads: their list, their tree, what is unread, and marks of reading."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.database import Database
from rustygpt_server.db.messages import message_from_row
from rustygpt_server.db.rows import Page, page
from rustygpt_shared.models.conversations import ThreadSummary, ThreadUnread
from rustygpt_shared.models.messages import MessageView


class ReadMarker(Struct, frozen=True):
    """Where somebody's mark stands: `unread` messages of the thread at an event number."""

    root_id: UUID
    unread: int
    conversation_id: UUID
    position: int
    moved: bool


class UnreadRow(Struct, frozen=True):
    """What a person has not read of a thread, at an event number; it stops at 1,000."""

    root_id: UUID
    user_id: UUID
    position: int
    unread: int


async def list_threads(
    db: Database,
    actor: UUID,
    conversation_id: UUID,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> Page[ThreadSummary]:
    """Threads, latest activity first, after (last_activity_at, root_id) of a former page."""
    moment, last = before or (None, None)
    rows = await db.fetch(
        "SELECT * FROM rustygpt.list_threads($1, $2, $3, $4, $5)",
        actor,
        conversation_id,
        moment,
        last,
        limit,
    )
    return page(rows, _summary)


async def list_tree(
    db: Database, actor: UUID, root_id: UUID, after_path: str | None, limit: int
) -> Page[MessageView]:
    """Messages of a thread, depth first, after a path; a page ends at the limit or 1 MiB."""
    rows = await db.fetch(
        "SELECT * FROM rustygpt.list_tree($1, $2, $3, $4)", actor, root_id, after_path, limit
    )
    return page(rows, message_from_row)


async def list_unread(db: Database, actor: UUID, conversation_id: UUID) -> Page[ThreadUnread]:
    """Threads with unread messages, in one page; each count stops at 1,000."""
    rows = await db.fetch("SELECT * FROM rustygpt.list_unread($1, $2)", actor, conversation_id)
    return page(rows, ThreadUnread)


async def mark_read(
    db: Database, actor: UUID, root_id: UUID, path: str | None, message_id: UUID | None
) -> ReadMarker:
    """Move one's mark to a message, or to the thread's end; it never moves back."""
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.mark_read($1, $2, $3, $4)", actor, root_id, path, message_id
    )
    return ReadMarker(*row)


async def count_unread(
    db: Database, conversation_id: UUID, pairs: list[tuple[UUID, UUID]]
) -> list[UnreadRow]:
    """What people have not read, by (thread, person); those who left are left out."""
    roots, users = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    rows = await db.fetch(
        "SELECT * FROM rustygpt.count_unread($1, $2, $3)", conversation_id, roots, users
    )
    return [UnreadRow(pairs[row[1] - 1][0], pairs[row[1] - 1][1], row[0], row[2]) for row in rows]


def _summary(*row: Any) -> ThreadSummary:
    """A row in the order of ThreadInfo's fields, `unread` last."""
    return ThreadSummary(*row[:-1], unread=row[-1])
