"""Accounts: set-up, login records, the user's own account, user search, administration."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.database import Database
from rustygpt_shared import codec
from rustygpt_shared.models.users import AdminUser, PublicUser, User
from rustygpt_shared.requests import UpdateMe


class NewAccount(Struct, frozen=True):
    """An account to be created."""

    id: UUID
    username: str
    email: str
    password_hash: str
    display_name: str | None = None


class LoginRecord(Struct, frozen=True):
    """What a login is checked against."""

    user_id: UUID
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
    who = account
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.set_up($1, $2, $3, $4, $5, $6)",
        who.id,
        who.username,
        who.email,
        who.password_hash,
        who.display_name,
        now,
    )
    return User(*row)


async def find_login(db: Database, name: str) -> LoginRecord | None:
    """Return the login record for an e-mail address or user name, without regard to case."""
    row = await db.fetch_row("SELECT * FROM rustygpt.find_login($1)", name)
    return LoginRecord(*row) if row else None


async def show_password(db: Database, actor: UUID) -> str:
    """Return the hash of the user's password; raise NotFound for an unknown account."""
    return str(await db.fetch_value("SELECT rustygpt.show_password($1)", actor))


async def store_password_hash(db: Database, actor: UUID, password_hash: str) -> None:
    """Store a stronger hash of the same password; sessions stay."""
    await db.fetch_value("SELECT rustygpt.store_password_hash($1, $2)", actor, password_hash)


async def change_password(
    db: Database, actor: UUID, password_hash: str, kept_session: UUID | None, now: datetime
) -> list[UUID]:
    """Store a new password's hash; return the other sessions, which have ended.

    The kept session has to rotate its token.
    """
    return list(
        await db.fetch_value(
            "SELECT rustygpt.change_password($1, $2, $3, $4)",
            actor,
            password_hash,
            kept_session,
            now,
        )
    )


async def show_me(db: Database, actor: UUID) -> User:
    """Return the user's own account; raise NotFound for an unknown one."""
    return User(*await db.fetch_one("SELECT * FROM rustygpt.show_me($1)", actor))


async def update_me(db: Database, actor: UUID, changes: UpdateMe) -> User:
    """Change the user's own account; raise Conflict when the e-mail address is taken."""
    fields = codec.encode(changes).decode()
    return User(*await db.fetch_one("SELECT * FROM rustygpt.update_me($1, $2)", actor, fields))


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
    who = account
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.create_user($1, $2, $3, $4, $5, $6, $7, $8)",
        actor,
        who.id,
        who.username,
        who.email,
        who.password_hash,
        who.display_name,
        roles,
        now,
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
        "SELECT * FROM rustygpt.update_user($1, $2, $3, $4, $5, $6)",
        actor,
        user_id,
        disabled,
        roles,
        password_hash,
        now,
    )
    return UpdatedAccount(AdminUser(*row[:-1]), list(row[-1]))
