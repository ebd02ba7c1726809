"""The participants of a conversation and their roles."""

from datetime import datetime
from uuid import UUID

from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import EventRecord, Page, event_records, page
from rustygpt_server.telemetry import client_address
from rustygpt_shared.models.conversations import Participant


async def list_participants(db: Database, actor: UUID, conversation_id: UUID) -> Page[Participant]:
    """Return all participants of a conversation by user name, as one page."""
    rows = await db.fetch(
        "SELECT * FROM rustygpt.list_participants($1, $2)", actor, conversation_id
    )
    return page(rows, Participant)


async def add_participant(
    db: Database, actor: UUID, conversation_id: UUID, user_id: UUID, role: str, now: datetime
) -> list[EventRecord]:
    """Add a user or change the role; return the events (none when the role is the same)."""
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.add_participant(rustygpt.from_address($1::uuid, $6), "
        "$2, $3, $4, $5)",
        actor,
        conversation_id,
        user_id,
        role,
        now,
        client_address(),
    )
    return event_records(conversation_id, *row)


async def remove_participant(
    db: Database, actor: UUID, conversation_id: UUID, user_id: UUID, now: datetime
) -> list[EventRecord]:
    """Remove a user, or leave; raise Conflict for the last owner."""
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.remove_participant(rustygpt.from_address($1::uuid, $5), "
        "$2, $3, $4)",
        actor,
        conversation_id,
        user_id,
        now,
        client_address(),
    )
    return event_records(conversation_id, *row)
