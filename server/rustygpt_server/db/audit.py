"""The audit log: reading and pruning it, and entries that no other procedure writes."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct, structs

from rustygpt_server.db.database import Database
from rustygpt_server.telemetry import client_address
from rustygpt_shared import codec
from rustygpt_shared.models.audit import AuditEntry


class AuditFilter(Struct, frozen=True, kw_only=True):
    """Which entries are listed; its fields are in the order of the procedure's parameters."""

    actions: list[str] | None = None
    actor: UUID | None = None
    target: UUID | None = None
    conversation_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


async def list_audit(
    db: Database, actor: UUID, filters: AuditFilter, before: int | None, limit: int
) -> list[AuditEntry]:
    """Return entries before a number, latest first; raise Forbidden for non-administrators."""
    rows = await db.fetch(
        "SELECT * FROM rustygpt.list_audit($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        actor,
        *structs.astuple(filters),
        before,
        limit,
    )
    fields = AuditEntry.__struct_fields__
    return [
        AuditEntry(
            **dict(zip(fields, (*values, details and codec.decode(details, dict)), strict=True))
        )
        for *values, details in rows
    ]


async def record_refused_login(db: Database, user_id: UUID | None, reason: str) -> None:
    """Write an entry about a refused login, to an account or to a name that no account has."""
    await db.fetch_value(
        "SELECT rustygpt.record_refused_login(rustygpt.from_address($1::uuid, $3), $2)",
        user_id,
        reason,
        client_address(),
    )


async def prune_audit(db: Database, batch: int, now: datetime) -> int:
    """Delete entries that the retention no longer keeps; return how many."""
    return int(await db.fetch_value("SELECT rustygpt.prune_audit($1, $2)", batch, now))
