"""Logins of devices that wait for their confirmation in a browser."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.database import Database
from rustygpt_server.rates import LimitState, Rate
from rustygpt_server.telemetry import client_address
from rustygpt_shared.models.devices import DeviceLogin


class NewDeviceLogin(Struct, frozen=True):
    """A login of a device; its fields are in the order of the procedure's parameters."""

    device_hash: bytes
    user_code: str
    client_name: str | None
    address: str
    interval_seconds: int
    expires_at: datetime


class DevicePoll(Struct, frozen=True):
    """What has become of a login; an approved one has the account and its password's hash."""

    status: Literal["pending", "slow_down", "expired", "denied", "approved"]
    user_id: UUID | None = None
    password_hash: str | None = None


async def begin_device_login(db: Database, new: NewDeviceLogin, now: datetime) -> None:
    """Store a login of a device; raise Conflict if another one has the user code."""
    await db.fetch_value(
        "SELECT rustygpt.begin_device_login($1, $2, $3, $4, $5, $6, $7)",
        new.device_hash,
        new.user_code,
        new.client_name,
        new.address,
        new.interval_seconds,
        new.expires_at,
        now,
    )


async def admit_user_code(
    db: Database, user_id: UUID, address: str, rate: Rate, now: datetime
) -> tuple[bool, LimitState]:
    """Count a code that a user enters; return whether to go on, and the state."""
    row: Any = await db.fetch_one(
        "SELECT * FROM rustygpt.admit_user_code($1, $2, $3, $4, $5)",
        user_id,
        address,
        rate.interval_us,
        rate.burst,
        now,
    )
    accepted, full_at = row
    return accepted, rate.state_at(full_at, now, accepted=accepted)


async def show_device_login(
    db: Database, actor: UUID, user_code: str, now: datetime
) -> DeviceLogin:
    """Return the login of a code; raise NotFound for one that is used or has expired."""
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.show_device_login($1, $2, $3)", actor, user_code, now
    )
    return DeviceLogin(*row)


async def decide_device_login(
    db: Database, actor: UUID, user_code: str, now: datetime, *, approve: bool
) -> str | None:
    """Approve or deny a login; return what the device calls itself, or raise NotFound."""
    name: str | None = await db.fetch_value(
        "SELECT rustygpt.decide_device_login(rustygpt.from_address($1::uuid, $5), $2, $3, $4)",
        actor,
        user_code,
        approve,
        now,
        client_address(),
    )
    return name


async def poll_device_login(db: Database, device_hash: bytes, now: datetime) -> DevicePoll:
    """Return what has become of a login; a decision is returned once."""
    return DevicePoll(
        *await db.fetch_one("SELECT * FROM rustygpt.poll_device_login($1, $2)", device_hash, now)
    )


async def prune_device_logins(db: Database, now: datetime) -> int:
    """Delete logins that have expired; return how many."""
    return int(await db.fetch_value("SELECT rustygpt.prune_device_logins($1)", now))
