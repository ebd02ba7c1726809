"""Imports: conversations that are stored in batches, and become visible all at once."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import IdempotencyKey
from rustygpt_server.telemetry import client_address


class StartedImport(Struct, frozen=True):
    """An import that may store batches."""

    username: str
    is_key_used: bool
    """True when an earlier import has used the idempotency key."""


class FinishedImport(Struct, frozen=True):
    """The response, as JSON; `replayed` when it is that of an earlier request with this key."""

    response: str
    replayed: bool
    conversation_ids: list[UUID]
    event_numbers: list[int]
    """The position of each conversation."""


async def begin_import(
    db: Database, actor: UUID, import_id: UUID, key: str | None, valid_until: datetime,
    now: datetime,
) -> StartedImport:  # fmt: skip
    """Begin an import; raise Forbidden for read-only users, Conflict for a third one at once."""
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.begin_import($1, $2, $3, $4, $5)",
        actor,
        import_id,
        key,
        valid_until,
        now,
    )
    return StartedImport(*row)


async def store_import(
    db: Database, actor: UUID, import_id: UUID, batch: str, valid_until: datetime, now: datetime
) -> None:
    """Store a batch, which is JSON; raise NotFound if the import has ended."""
    await db.fetch_value(
        "SELECT rustygpt.store_import($1, $2, $3, $4, $5)",
        actor,
        import_id,
        batch,
        valid_until,
        now,
    )


async def finish_import(
    db: Database,
    actor: UUID,
    import_id: UUID,
    idempotency: IdempotencyKey | None,
    response: str,
    now: datetime,
) -> FinishedImport:
    """Give the actor the imported conversations; raise NotFound if the import has ended."""
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.finish_import(rustygpt.from_address($1::uuid, $7), "
        "$2, $3, $4, $5, $6)",
        actor,
        import_id,
        idempotency and idempotency.key,
        idempotency and idempotency.body_hash,
        response,
        now,
        client_address(),
    )
    return FinishedImport(*row)


async def read_import_response(
    db: Database, actor: UUID, idempotency: IdempotencyKey, now: datetime
) -> str | None:
    """Return the response to an earlier import as JSON; raise Conflict if it was another one."""
    response: str | None = await db.fetch_value(
        "SELECT rustygpt.read_import_response($1, $2, $3, $4)",
        actor,
        idempotency.key,
        idempotency.body_hash,
        now,
    )
    return response


async def abort_import(db: Database, actor: UUID, import_id: UUID, now: datetime) -> None:
    """End an import that has failed; raise NotFound if it has ended."""
    await db.fetch_value("SELECT rustygpt.abort_import($1, $2, $3)", actor, import_id, now)


async def expire_imports(db: Database, now: datetime) -> int:
    """End one import whose process has died; return 0 when there is none."""
    return int(await db.fetch_value("SELECT rustygpt.expire_imports($1)", now))
