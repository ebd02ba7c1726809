"""Threads: their list, their trees, unread counts and read markers."""

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
    """A user's read marker in a thread; `unread` messages follow it at event number `position`."""

    root_id: UUID
    unread: int
    conversation_id: UUID
    position: int
    moved: bool


class UnreadRow(Struct, frozen=True):
    """A user's unread count of a thread at an event number; it stops at 1,000."""

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
    """Return threads after (last_activity_at, root_id), latest activity first."""
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
    """Return a thread's messages, depth first, after a path; a page ends at the limit or 1 MiB."""
    rows = await db.fetch(
        "SELECT * FROM rustygpt.list_tree($1, $2, $3, $4)", actor, root_id, after_path, limit
    )
    return page(rows, message_from_row)


async def list_unread(db: Database, actor: UUID, conversation_id: UUID) -> Page[ThreadUnread]:
    """Return the threads with unread messages as one page; each count stops at 1,000."""
    rows = await db.fetch("SELECT * FROM rustygpt.list_unread($1, $2)", actor, conversation_id)
    return page(rows, ThreadUnread)


async def mark_read(
    db: Database, actor: UUID, root_id: UUID, path: str | None, message_id: UUID | None
) -> ReadMarker:
    """Move the user's read marker to a message, or to the end of the thread.

    It never moves back.
    """
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.mark_read($1, $2, $3, $4)", actor, root_id, path, message_id
    )
    return ReadMarker(*row)


async def count_unread(
    db: Database, conversation_id: UUID, pairs: list[tuple[UUID, UUID]]
) -> list[UnreadRow]:
    """Return the unread counts of (thread, user) pairs; users who have left are left out."""
    rows = await db.fetch(
        "SELECT * FROM rustygpt.count_unread($1, $2, $3)",
        conversation_id,
        [root_id for root_id, _ in pairs],
        [user_id for _, user_id in pairs],
    )
    counts = []
    for position, ordinal, unread in rows:
        root_id, user_id = pairs[ordinal - 1]
        counts.append(UnreadRow(root_id, user_id, position, unread))
    return counts


def _summary(*row: Any) -> ThreadSummary:
    """Return a summary from a row in the order of its fields, `unread` last."""
    return ThreadSummary(*row[:-1], unread=row[-1])
