"""Sessions: start, check, rotate and end. Only hashes of tokens (SHA-256) are passed to it."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.database import Database
from rustygpt_server.telemetry import client_address
from rustygpt_shared.models.users import OwnSession, Session, User

Reason = Literal["unknown", "expired", "superseded", "disabled"]


class NewSession(Struct, frozen=True):
    """A session to be started."""

    id: UUID
    user_id: UUID
    checked_hash: str
    """The password's hash that the login was checked against."""
    token_hash: bytes
    user_agent: str | None
    address: str | None


class SessionLimits(Struct, frozen=True):
    """How long sessions live, and how many a user may have."""

    idle_seconds: int
    absolute_seconds: int
    max_sessions: int


class StartedSession(Struct, frozen=True):
    """A new session, and those that ended because there were too many."""

    session: Session
    ended_sessions: list[UUID]


class PasswordChange(Struct, frozen=True):
    """A change of a password that comes with a session, which gets a new token."""

    user_id: UUID
    session_id: UUID
    checked_hash: str
    """The hash that the current password was checked against."""
    new_hash: str
    token_hash: bytes


class RenewedSession(Struct, frozen=True):
    """The session that a password change came with, its generation, and the sessions that ended."""

    session: Session
    generation: int
    ended_sessions: list[UUID]


class SessionCheck(Struct, frozen=True):
    """The user and session of a token, or the reason why the token is not valid."""

    reason: Reason | None
    user: User | None = None
    session: Session | None = None
    superseded: bool = False
    """The token was rotated away within the grace period: it is still valid."""
    rotate_due: bool = False
    """Less than half of the idle window is left, or a role has changed."""
    cacheable: bool = True
    """False while the account's password is being changed."""
    generation: int = 0
    """How many password changes have replaced all tokens of the session."""
    username: str | None = None
    """Whose token it was, if it is not valid any more."""


class RotatedSession(Struct, frozen=True):
    """A session after a rotation; `rotated` is False when another request had rotated it."""

    session: Session
    rotated: bool


async def token_secret(db: Database) -> bytes:
    """Return the 32 bytes that new tokens are derived with; created once, by bootstrap."""
    return bytes(await db.fetch_value("SELECT rustygpt.token_secret()"))


async def start_session(
    db: Database, new: NewSession, limits: SessionLimits, now: datetime
) -> StartedSession:
    """Start a session, and end the oldest beyond the limit.

    Raise NotFound for a disabled account, PasswordChanged for one with another password's hash.
    """
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.start_session(rustygpt.from_address($1::uuid, $11), "
        "$2, $3, $4, $5, $6, $7, $8, $9, $10)",
        new.id,
        new.user_id,
        new.checked_hash,
        new.token_hash,
        new.user_agent,
        new.address,
        limits.idle_seconds,
        limits.absolute_seconds,
        limits.max_sessions,
        now,
        client_address(),
    )
    return StartedSession(Session(*row[:-1]), list(row[-1]))


async def change_password(
    db: Database, change: PasswordChange, idle_seconds: int, now: datetime
) -> RenewedSession:
    """Replace the password's hash and the session's token; end the user's other sessions.

    Raise PasswordChanged when the account has another hash now, NotFound when the session ended.
    """
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.change_password(rustygpt.from_address($1::uuid, $8), "
        "$2, $3, $4, $5, $6, $7)",
        change.user_id,
        change.checked_hash,
        change.new_hash,
        change.session_id,
        change.token_hash,
        idle_seconds,
        now,
        client_address(),
    )
    return RenewedSession(Session(*row[:-2]), row[-2], list(row[-1]))


async def authenticate_sessions(
    db: Database, token_hashes: list[bytes], idle_seconds: int, now: datetime
) -> list[SessionCheck]:
    """Check tokens, and extend their idle windows (written at most once a minute)."""
    rows = await db.fetch(
        "SELECT * FROM rustygpt.authenticate_sessions($1, $2, $3)", token_hashes, idle_seconds, now
    )
    return [_session_check(*row) for row in rows]


def _session_check(_ordinal: int, reason: Reason | None, *row: Any) -> SessionCheck:
    if reason is not None:
        return SessionCheck(reason, username=row[2])
    return SessionCheck(None, User(*row[:5]), Session(*row[5:9]), *row[9:])


async def rotate_session(
    db: Database,
    old_hash: bytes,
    new_hash: bytes,
    *,
    grace_seconds: int,
    idle_seconds: int,
    now: datetime,
) -> RotatedSession:
    """Replace a token by a new one, once; raise NotFound when the old one is not valid."""
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.rotate_session($1, $2, $3, $4, $5)",
        old_hash,
        new_hash,
        grace_seconds,
        idle_seconds,
        now,
    )
    return RotatedSession(Session(*row[:-1]), row[-1])


async def end_session(db: Database, actor: UUID, session_id: UUID) -> None:
    """End one of the user's own sessions; raise NotFound otherwise."""
    await db.fetch_value(
        "SELECT rustygpt.end_session(rustygpt.from_address($1::uuid, $3), $2)",
        actor,
        session_id,
        client_address(),
    )


async def end_user_sessions(db: Database, actor: UUID, user_id: UUID) -> tuple[str, list[UUID]]:
    """End all sessions of a user; return the user name, and the ids of the sessions.

    Raise Forbidden unless the actor is a global administrator, NotFound for an unknown account.
    """
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.end_user_sessions(rustygpt.from_address($1::uuid, $3), $2)",
        actor,
        user_id,
        client_address(),
    )
    return str(row[0]), list(row[1])


async def end_session_by_token(db: Database, token_hash: bytes) -> UUID | None:
    """End the session of a token (logout); return its id, or None when there was none."""
    ended: UUID | None = await db.fetch_value(
        "SELECT rustygpt.end_session_by_token(rustygpt.from_address($1::bytea, $2))",
        token_hash,
        client_address(),
    )
    return ended


async def list_sessions(
    db: Database, actor: UUID, current: UUID | None, now: datetime
) -> list[OwnSession]:
    """Return the user's own live sessions, newest first; `current` is flagged."""
    rows = await db.fetch("SELECT * FROM rustygpt.list_sessions($1, $2, $3)", actor, current, now)
    return [OwnSession(*row) for row in rows]


async def touch_sessions(
    db: Database, session_ids: list[UUID], idle_seconds: int, now: datetime
) -> set[UUID]:
    """Count open streams as use of their sessions; return the sessions that are still alive."""
    rows = await db.fetch(
        "SELECT * FROM rustygpt.touch_sessions($1, $2, $3)", session_ids, idle_seconds, now
    )
    return {row[0] for row in rows}


async def count_sessions(db: Database, now: datetime) -> int:
    """Return the number of live sessions."""
    return int(await db.fetch_value("SELECT rustygpt.count_sessions($1)", now))


async def prune_sessions(db: Database, now: datetime) -> int:
    """Delete sessions that have expired; return how many."""
    return int(await db.fetch_value("SELECT rustygpt.prune_sessions($1)", now))
