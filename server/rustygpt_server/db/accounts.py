"""Accounts: set-up, login records, the user's own account, user search, administration."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, structs

from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import EventRecord, event_records
from rustygpt_server.telemetry import client_address
from rustygpt_shared import codec
from rustygpt_shared.models.users import AdminUser, PublicUser, User
from rustygpt_shared.requests import UpdateMe


class NewAccount(Struct, frozen=True):
    """An account to be created; its fields are in the order of the procedures' parameters."""

    id: UUID
    username: str
    email: str
    password_hash: str
    display_name: str | None = None
    username_skeletons: list[str] = []
    """What the user name looks like; see `services.names`."""
    display_skeletons: list[str] = []


class LoginRecord(Struct, frozen=True):
    """What a login is checked against."""

    user_id: UUID
    username: str
    password_hash: str
    disabled: bool


class UpdatedAccount(Struct, frozen=True):
    """An account after an administrator's change, and the sessions that ended with it."""

    user: AdminUser
    ended_sessions: list[UUID]


async def is_setup(db: Database) -> bool:
    """Return whether the first administrator has been created."""
    return bool(await db.fetch_value("SELECT rustygpt.is_setup()"))


async def set_up(db: Database, account: NewAccount, now: datetime) -> User:
    """Create the first administrator; raise Conflict when there is one, also under a race."""
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.set_up(rustygpt.from_address($1::uuid, $9), "
        "$2, $3, $4, $5, $6, $7, $8)",
        *structs.astuple(account),
        now,
        client_address(),
    )
    return User(*row)


async def register_user(
    db: Database, account: NewAccount, invite_hash: bytes | None, now: datetime
) -> list[EventRecord]:
    """Create an account, and with an invite let it join; return the events of the joining.

    Raise Conflict for a name that is taken; with an invite also NotFound, Gone and Forbidden.
    """
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.register_user(rustygpt.from_address($1::uuid, $10), "
        "$2, $3, $4, $5, $6, $7, $8, $9)",
        *structs.astuple(account),
        invite_hash,
        now,
        client_address(),
    )
    return event_records(*row)


async def find_login(db: Database, name: str) -> LoginRecord | None:
    """Return the login record for an e-mail address or user name, without regard to case."""
    row = await db.fetch_row("SELECT * FROM rustygpt.find_login($1)", name)
    return LoginRecord(*row) if row else None


async def show_password(db: Database, actor: UUID) -> str:
    """Return the hash of the user's password; raise NotFound for an unknown account."""
    return str(await db.fetch_value("SELECT rustygpt.show_password($1)", actor))


async def store_password_hash(
    db: Database, actor: UUID, checked_hash: str, password_hash: str
) -> None:
    """Store a stronger hash of the same password, unless it was changed; sessions stay."""
    await db.fetch_value(
        "SELECT rustygpt.store_password_hash($1, $2, $3)", actor, checked_hash, password_hash
    )


async def show_me(db: Database, actor: UUID) -> User:
    """Return the user's own account; raise NotFound for an unknown one."""
    return User(*await db.fetch_one("SELECT * FROM rustygpt.show_me($1)", actor))


async def update_me(
    db: Database,
    actor: UUID,
    changes: UpdateMe,
    checked_hash: str | None = None,
    display_skeletons: list[str] | None = None,
) -> User:
    """Change the user's own account; `display_skeletons` are those of a new display name.

    Another e-mail address needs the hash that the current password was checked against; raise
    PasswordChanged when the account has another one now.
    """
    fields = {"display_name": changes.display_name, "email": changes.email}
    given = {name: value for name, value in fields.items() if value is not UNSET}
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.update_me(rustygpt.from_address($1::uuid, $5), $2, $3, $4)",
        actor,
        checked_hash,
        codec.encode(given).decode(),
        display_skeletons,
        client_address(),
    )
    return User(*row)


async def search_users(db: Database, actor: UUID, query: str, limit: int) -> list[PublicUser]:
    """Return users whose user name or display name starts with the query, by user name."""
    rows = await db.fetch("SELECT * FROM rustygpt.search_users($1, $2, $3)", actor, query, limit)
    return [PublicUser(*row) for row in rows]


async def list_users(db: Database, actor: UUID, after: str | None, limit: int) -> list[AdminUser]:
    """Return accounts after a user name.

    Raise Forbidden unless the actor is a global administrator.
    """
    rows = await db.fetch("SELECT * FROM rustygpt.list_users($1, $2, $3)", actor, after, limit)
    return [AdminUser(*row) for row in rows]


async def create_user(
    db: Database, actor: UUID, account: NewAccount, roles: list[str], now: datetime
) -> AdminUser:
    """Create an account; raise Conflict when a name is taken, Forbidden for non-administrators."""
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.create_user(rustygpt.from_address($1::uuid, $11), "
        "$2, $3, $4, $5, $6, $7, $8, $9, $10)",
        actor,
        *structs.astuple(account),
        roles,
        now,
        client_address(),
    )
    return AdminUser(*row)


async def update_user(
    db: Database,
    actor: UUID,
    user_id: UUID,
    *,
    disabled: bool | None,
    roles: list[str] | None,
    password_hash: str | None,
    now: datetime,
) -> UpdatedAccount:
    """Change an account (None: unchanged); raise Conflict for the last administrator."""
    row: Any = await db.fetch_one(
        "SELECT * FROM rustygpt.update_user(rustygpt.from_address($1::uuid, $7), "
        "$2, $3, $4, $5, $6)",
        actor,
        user_id,
        disabled,
        roles,
        password_hash,
        now,
        client_address(),
    )
    return UpdatedAccount(AdminUser(*row[:-1]), list(row[-1]))


async def list_unclaimed_names(db: Database, limit: int) -> list[PublicUser]:
    """Return accounts whose names' skeletons are not stored yet, as the system."""
    rows = await db.fetch("SELECT * FROM rustygpt.list_unclaimed_names($1)", limit)
    return [PublicUser(*row) for row in rows]


async def store_skeletons(
    db: Database, user_id: UUID, username_skeletons: list[str], display_skeletons: list[str]
) -> None:
    """Store the skeletons of an existing account's names, without checking them."""
    await db.fetch_value(
        "SELECT rustygpt.store_skeletons($1, $2, $3)",
        user_id,
        username_skeletons,
        display_skeletons,
    )


async def list_broken_names(db: Database, reserved: list[str], limit: int) -> list[str]:
    """Return the user names of accounts that break the rule for names, as the system."""
    rows = await db.fetch("SELECT * FROM rustygpt.list_broken_names($1, $2)", reserved, limit)
    return [row[0] for row in rows]
