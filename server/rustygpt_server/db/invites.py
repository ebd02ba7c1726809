"""Invites to conversations. Only hashes of their tokens (SHA-256) are passed to it."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import EventRecord, IdempotencyKey, event_records
from rustygpt_server.telemetry import client_address
from rustygpt_shared.models.invites import Invite


class NewInvite(Struct, frozen=True):
    """An invite to be created."""

    id: UUID
    token_hash: bytes
    email: str | None
    role: str
    expires_at: datetime


class Joined(Struct, frozen=True):
    """The result of an accepted invite, and the events of the joining."""

    conversation_id: UUID
    role: str
    events: list[EventRecord]


async def create_invite(
    db: Database,
    actor: UUID,
    conversation_id: UUID,
    new: NewInvite,
    max_invites: int,
    idempotency_key: IdempotencyKey | None,
    now: datetime,
) -> None:
    """Create an invite; raise Conflict for a second one, Forbidden for too high a role."""
    key = idempotency_key
    await db.fetch_value(
        "SELECT rustygpt.create_invite(rustygpt.from_address($1::uuid, $12), "
        "$2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        actor,
        conversation_id,
        new.id,
        new.token_hash,
        new.email,
        new.role,
        new.expires_at,
        max_invites,
        key and key.key,
        key and key.body_hash,
        now,
        client_address(),
    )


async def list_invites(
    db: Database,
    actor: UUID,
    conversation_id: UUID,
    before: tuple[datetime, UUID] | None,
    limit: int,
    now: datetime,
) -> list[Invite]:
    """Return invites before (creation, id), newest first."""
    rows = await db.fetch(
        "SELECT * FROM rustygpt.list_invites($1, $2, $3, $4, $5, $6)",
        actor,
        conversation_id,
        before and before[0],
        before and before[1],
        limit,
        now,
    )
    fields = Invite.__struct_fields__
    return [Invite(**dict(zip(fields, row, strict=True))) for row in rows]


async def accept_invite(db: Database, actor: UUID, token_hash: bytes, now: datetime) -> Joined:
    """Join a conversation; raise NotFound, Gone, Forbidden, or Conflict for a participant."""
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.accept_invite(rustygpt.from_address($1::uuid, $4), $2, $3)",
        actor,
        token_hash,
        now,
        client_address(),
    )
    return Joined(row[0], row[1], event_records(row[0], *row[2:]))


async def check_invite(db: Database, token_hash: bytes, email: str, now: datetime) -> None:
    """Raise NotFound, Gone or Forbidden when an address cannot use an invite."""
    await db.fetch_value("SELECT rustygpt.check_invite($1, $2, $3)", token_hash, email, now)


async def revoke_invite(
    db: Database, actor: UUID, invite_id: UUID | None, token_hash: bytes, now: datetime
) -> None:
    """Revoke an invite with this id or token; raise NotFound, Forbidden, or Gone for a used one."""
    await db.fetch_value(
        "SELECT rustygpt.revoke_invite(rustygpt.from_address($1::uuid, $5), $2, $3, $4)",
        actor,
        invite_id,
        token_hash,
        now,
        client_address(),
    )


async def prune_invites(db: Database, now: datetime) -> int:
    """Delete invites that ended long ago; return how many."""
    return int(await db.fetch_value("SELECT rustygpt.prune_invites($1)", now))
