"""Rate limits: their profiles and assignments, and the cells that hold across processes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, structs

from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import IdempotencyKey
from rustygpt_server.rates import LimitState, Rate
from rustygpt_server.telemetry import client_address
from rustygpt_shared import codec
from rustygpt_shared.models.rate_limits import LimitAssignment
from rustygpt_shared.requests import CreateLimitProfile, UpdateLimitProfile


class ProfileRow(Struct, frozen=True):
    """A profile as it is stored: a rate that is None is that of the settings."""

    id: UUID
    name: str
    algorithm: str
    requests_per_second: float | None
    burst: int | None
    description: str | None
    created_at: datetime
    updated_at: datetime


class NewAssignment(Struct, frozen=True):
    """An assignment to be stored; `pattern_key` is that of `services.route_patterns`."""

    id: UUID
    profile_id: UUID
    method: str
    path_pattern: str
    pattern_key: str


async def read_limit_profiles(db: Database) -> list[ProfileRow]:
    """Return all profiles, as the system."""
    rows = await db.fetch("SELECT * FROM rustygpt.read_limit_profiles()")
    return [ProfileRow(*row) for row in rows]


async def read_limit_assignments(db: Database) -> list[LimitAssignment]:
    """Return all assignments, as the system."""
    rows = await db.fetch("SELECT * FROM rustygpt.read_limit_assignments()")
    return [LimitAssignment(*row) for row in rows]


async def list_limit_profiles(db: Database, actor: UUID) -> list[ProfileRow]:
    """Return all profiles by name; raise Forbidden unless the actor is a global administrator."""
    rows = await db.fetch("SELECT * FROM rustygpt.list_limit_profiles($1)", actor)
    return [ProfileRow(*row) for row in rows]


async def create_limit_profile(
    db: Database,
    actor: UUID,
    id: UUID,
    request: CreateLimitProfile,
    idempotency_key: IdempotencyKey | None,
    now: datetime,
) -> tuple[ProfileRow, bool]:
    """Create a profile; return it, and whether an earlier request with this key has created it.

    Raise Conflict when the name is taken, or there are too many.
    """
    row: Any = await db.fetch_one(
        "SELECT * FROM rustygpt.create_limit_profile(rustygpt.from_address($1::uuid, $10), "
        "$2, $3, $4, $5, $6, $7, $8, $9)",
        actor,
        id,
        request.name,
        request.params.requests_per_second,
        request.params.burst,
        request.description,
        idempotency_key.key if idempotency_key else None,
        idempotency_key.body_hash if idempotency_key else None,
        now,
        client_address(),
    )
    return ProfileRow(*row[1:]), row[0]


async def update_limit_profile(
    db: Database, actor: UUID, id: UUID, changes: UpdateLimitProfile, now: datetime
) -> ProfileRow:
    """Change a profile; raise NotFound for an unknown one."""
    given = {name: value for name, value in structs.asdict(changes).items() if value is not UNSET}
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.update_limit_profile(rustygpt.from_address($1::uuid, $5), "
        "$2, $3, $4)",
        actor,
        id,
        codec.encode(given).decode(),
        now,
        client_address(),
    )
    return ProfileRow(*row)


async def delete_limit_profile(db: Database, actor: UUID, id: UUID) -> None:
    """Delete a profile; raise Conflict for an assigned one and one that the server needs."""
    await db.fetch_value(
        "SELECT rustygpt.delete_limit_profile(rustygpt.from_address($1::uuid, $3), $2)",
        actor,
        id,
        client_address(),
    )


async def list_limit_assignments(db: Database, actor: UUID) -> list[LimitAssignment]:
    """Return all assignments by pattern; raise Forbidden unless the actor is an administrator."""
    rows = await db.fetch("SELECT * FROM rustygpt.list_limit_assignments($1)", actor)
    return [LimitAssignment(*row) for row in rows]


async def create_limit_assignment(
    db: Database, actor: UUID, new: NewAssignment, now: datetime
) -> LimitAssignment:
    """Create an assignment, or change the profile of the one with its method and pattern.

    Raise NotFound for an unknown profile, Conflict when there are too many.
    """
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.create_limit_assignment(rustygpt.from_address($1::uuid, $8), "
        "$2, $3, $4, $5, $6, $7)",
        actor,
        new.id,
        new.profile_id,
        new.method,
        new.path_pattern,
        new.pattern_key,
        now,
        client_address(),
    )
    return LimitAssignment(*row)


async def delete_limit_assignment(db: Database, actor: UUID, id: UUID) -> None:
    """Delete an assignment; raise NotFound for an unknown one."""
    await db.fetch_value(
        "SELECT rustygpt.delete_limit_assignment(rustygpt.from_address($1::uuid, $3), $2)",
        actor,
        id,
        client_address(),
    )


async def admit_login(
    db: Database, name: str, address: str, rate: Rate, now: datetime
) -> tuple[bool, LimitState]:
    """Count a login against its address and its account; return whether to go on, and the state.

    `address` is what counts as one address. The state is that of the tighter of the two limits.
    """
    row: Any = await db.fetch_one(
        "SELECT * FROM rustygpt.admit_login($1, $2, $3, $4, $5, $6)",
        name,
        address,
        rate.profile,
        rate.interval_us,
        rate.burst,
        now,
    )
    accepted, full_at = row
    return accepted, rate.state_at(full_at, now, accepted=accepted)


async def admit_address(
    db: Database, address: str, rate: Rate, now: datetime
) -> tuple[bool, LimitState]:
    """Count a login that names no account against its address; return whether to go on."""
    row: Any = await db.fetch_one(
        "SELECT * FROM rustygpt.admit_address($1, $2, $3, $4, $5)",
        address,
        rate.profile,
        rate.interval_us,
        rate.burst,
        now,
    )
    accepted, full_at = row
    return accepted, rate.state_at(full_at, now, accepted=accepted)


async def remember_login(db: Database, user_id: UUID, address: str, until: datetime) -> None:
    """Remember until a time that a user has signed in from an address."""
    await db.fetch_value("SELECT rustygpt.remember_login($1, $2, $3)", user_id, address, until)


async def prune_limit_cells(db: Database, now: datetime, limit: int) -> int:
    """Delete up to `limit` cells that say nothing any more; return how many were deleted."""
    return int(await db.fetch_value("SELECT rustygpt.prune_limit_cells($1, $2)", now, limit))
