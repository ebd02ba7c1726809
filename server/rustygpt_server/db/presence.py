"""Who was seen last when, and who may be seen writing."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import Page, page
from rustygpt_shared.models.presence import Status


class LastSeen(Struct, frozen=True):
    """What a person said last of their presence, and when; `beats` counts how often."""

    user_id: UUID
    declared: Status | None
    """None for somebody who was never seen."""
    last_seen_at: datetime | None
    heartbeat_seq: int | None


class PresenceRow(Struct, frozen=True):
    """The same of somebody who was seen, with the conversations the person is in."""

    user_id: UUID
    declared: Status
    last_seen_at: datetime
    heartbeat_seq: int
    conversation_ids: list[UUID] = []


async def record_heartbeat(db: Database, actor: UUID, declared: Status, now: datetime) -> int:
    """Note that a person is there; answers the heartbeat's number."""
    return int(
        await db.fetch_value("SELECT rustygpt.record_heartbeat($1, $2, $3)", actor, declared, now)
    )


async def show_presence(db: Database, actor: UUID, conversation_id: UUID) -> Page[LastSeen]:
    """Everybody in a conversation, by user name, in one page."""
    rows = await db.fetch("SELECT * FROM rustygpt.show_presence($1, $2)", actor, conversation_id)
    return page(rows, LastSeen)


async def read_presence(
    db: Database, users: list[UUID], *, with_conversations: bool = False
) -> list[PresenceRow]:
    """What is known of these people; who was never seen is left out; asked by the system."""
    rows = await db.fetch("SELECT * FROM rustygpt.read_presence($1, $2)", users, with_conversations)
    return [PresenceRow(*row) for row in rows]


async def list_recently_seen(db: Database, since: datetime, limit: int) -> list[PresenceRow]:
    """Who was seen since a moment, the latest at last; asked by the system."""
    rows = await db.fetch("SELECT * FROM rustygpt.list_recently_seen($1, $2)", since, limit)
    return [PresenceRow(*row) for row in rows]


async def check_may_type(db: Database, actor: UUID, conversation_id: UUID, root_id: UUID) -> None:
    """Refused to who may not be seen writing there."""
    await db.fetch_value(
        "SELECT rustygpt.check_may_type($1, $2, $3)", actor, conversation_id, root_id
    )
