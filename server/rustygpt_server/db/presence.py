"""Presence: heartbeats, who was last seen when, and who may be shown as typing."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import Page, page
from rustygpt_shared.models.presence import Status


class LastSeen(Struct, frozen=True):
    """A participant's last heartbeat: the declared status, its time and its sequence number."""

    user_id: UUID
    declared: Status | None
    """None for a user without any heartbeat."""
    last_seen_at: datetime | None
    heartbeat_seq: int | None


class PresenceRow(Struct, frozen=True):
    """A user's last heartbeat, with the conversations that the user is in."""

    user_id: UUID
    declared: Status
    last_seen_at: datetime
    heartbeat_seq: int
    conversation_ids: list[UUID] = []


async def record_heartbeat(db: Database, actor: UUID, declared: Status, now: datetime) -> int:
    """Store a user's heartbeat; return its sequence number."""
    return int(
        await db.fetch_value("SELECT rustygpt.record_heartbeat($1, $2, $3)", actor, declared, now)
    )


async def show_presence(db: Database, actor: UUID, conversation_id: UUID) -> Page[LastSeen]:
    """Return the last heartbeat of all participants by user name, as one page."""
    rows = await db.fetch("SELECT * FROM rustygpt.show_presence($1, $2)", actor, conversation_id)
    return page(rows, LastSeen)


async def read_presence(
    db: Database, users: list[UUID], *, with_conversations: bool = False
) -> list[PresenceRow]:
    """Return the last heartbeats of users who have one, as the system."""
    rows = await db.fetch("SELECT * FROM rustygpt.read_presence($1, $2)", users, with_conversations)
    return [PresenceRow(*row) for row in rows]


async def list_recently_seen(db: Database, since: datetime, limit: int) -> list[PresenceRow]:
    """Return the heartbeats since a time, oldest first, as the system."""
    rows = await db.fetch("SELECT * FROM rustygpt.list_recently_seen($1, $2)", since, limit)
    return [PresenceRow(*row) for row in rows]


async def check_may_type(db: Database, actor: UUID, conversation_id: UUID, root_id: UUID) -> None:
    """Raise NotFound or Forbidden unless the user may write in the thread."""
    await db.fetch_value(
        "SELECT rustygpt.check_may_type($1, $2, $3)", actor, conversation_id, root_id
    )
