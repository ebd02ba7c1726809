"""Threads: their list, their messages, unread counts and read markers."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.database import Database
from rustygpt_server.db.messages import message_from_row
from rustygpt_server.db.rows import Page, Window, page, window
from rustygpt_shared.models.conversations import FirstUnread, ThreadSummary, ThreadUnread
from rustygpt_shared.models.messages import MessageView
from rustygpt_shared.requests import MarkRead


class ReadMarker(Struct, frozen=True):
    """A user's read marker in a thread; `unread` messages follow it at event number `position`."""

    root_id: UUID
    unread: int
    read_seq: int
    conversation_id: UUID
    position: int
    version: int
    """Increases with every move of the marker; 0 if there is none."""
    moved: bool


class TreeStart(Struct, frozen=True):
    """Where a page of a tree is: at most one field is set; without one, at the beginning."""

    after_path: str | None = None
    before_path: str | None = None
    around: UUID | None = None
    """A message that is to be in the middle of the page."""


class UnreadRow(Struct, frozen=True):
    """A user's unread count of a thread at an event number; it stops at 1,000."""

    root_id: UUID
    user_id: UUID
    unread: int
    read_seq: int
    position: int
    version: int
    """That of the read marker at `position`."""


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
    db: Database, actor: UUID, root_id: UUID, start: TreeStart, limit: int
) -> Window[MessageView]:
    """Return a thread's messages, depth first; a page ends at the limit or 1 MiB."""
    rows = await db.fetch(
        "SELECT * FROM rustygpt.list_tree($1, $2, $3, $4, $5, $6)",
        actor,
        root_id,
        start.after_path,
        start.before_path,
        start.around,
        limit,
    )
    return window(rows, message_from_row)


async def list_messages(
    db: Database,
    actor: UUID,
    root_id: UUID,
    *,
    after_seq: int = 0,
    before_seq: int | None = None,
    limit: int,
) -> Window[MessageView]:
    """Return a thread's messages by seq: those after one, or those directly below `before_seq`."""
    rows = await db.fetch(
        "SELECT * FROM rustygpt.list_messages($1, $2, $3, $4, $5)",
        actor,
        root_id,
        after_seq if before_seq is None else None,
        before_seq,
        limit,
    )
    return window(rows, message_from_row)


async def list_unread(db: Database, actor: UUID, conversation_id: UUID) -> Page[ThreadUnread]:
    """Return the threads with unread messages as one page; each count stops at 1,000."""
    rows = await db.fetch("SELECT * FROM rustygpt.list_unread($1, $2)", actor, conversation_id)
    return page(rows, _thread_unread)


async def mark_read(db: Database, actor: UUID, root_id: UUID, target: MarkRead) -> ReadMarker:
    """Move the user's read marker to a message, or to the end of the thread.

    It never moves back.
    """
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.mark_read($1, $2, $3, $4, $5)",
        actor,
        root_id,
        target.seq,
        target.path,
        target.message_id,
    )
    return ReadMarker(*row)


async def mark_unread(db: Database, actor: UUID, root_id: UUID, message_id: UUID) -> ReadMarker:
    """Set the user's read marker just before a message, forward or back."""
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.mark_unread($1, $2, $3)", actor, root_id, message_id
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
    return [UnreadRow(*pairs[row[0] - 1], *row[1:]) for row in rows]


def _summary(*row: Any) -> ThreadSummary:
    """Return a summary from a row in the order of its fields, the reader's own last."""
    return ThreadSummary(*row[:-2], unread=row[-2], read_seq=row[-1])


def _thread_unread(*row: Any) -> ThreadUnread:
    """Return an unread count from a row that ends with the id and the path of a message."""
    first = FirstUnread(*row[-2:]) if row[-2] else None
    fields = [*row[:-2], first]
    return ThreadUnread(*fields)
