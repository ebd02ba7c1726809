"""Sessions: start, check, rotate and end. Only hashes of tokens (SHA-256) ever come here."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.database import Database
from rustygpt_shared.models.users import OwnSession, Session, User

Reason = Literal["unknown", "expired", "superseded", "disabled"]


class NewSession(Struct, frozen=True):
    """A session to be started."""

    id: UUID
    user_id: UUID
    token_hash: bytes
    user_agent: str | None
    address: str | None


class SessionLimits(Struct, frozen=True):
    """How long sessions live, and how many a person has."""

    idle_seconds: int
    absolute_seconds: int
    max_sessions: int


class StartedSession(Struct, frozen=True):
    """A new session, and those that ended because there were too many."""

    session: Session
    ended_sessions: list[UUID]


class SessionCheck(Struct, frozen=True):
    """Whose session a token is, or the reason why it is nobody's."""

    reason: Reason | None
    user: User | None = None
    session: Session | None = None
    superseded: bool = False
    """The token was rotated away less than the grace ago: it still works."""
    rotate_due: bool = False
    """Less than half of the idle window was left, or a role or the password changed."""


class RotatedSession(Struct, frozen=True):
    """A session after a rotation; `rotated` is false when another request had done it."""

    session: Session
    rotated: bool


async def token_secret(db: Database) -> bytes:
    """The 32 bytes this database derives tokens with; made once, at bootstrap."""
    return bytes(await db.fetch_value("SELECT rustygpt.token_secret()"))


async def start_session(
    db: Database, new: NewSession, limits: SessionLimits, now: datetime
) -> StartedSession:
    """Start a session and end the oldest beyond the allowed number; NotFound if disabled."""
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.start_session($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        new.id,
        new.user_id,
        new.token_hash,
        new.user_agent,
        new.address,
        limits.idle_seconds,
        limits.absolute_seconds,
        limits.max_sessions,
        now,
    )
    return StartedSession(Session(*row[:-1]), list(row[-1]))


async def authenticate_sessions(
    db: Database, token_hashes: list[bytes], idle_seconds: int, now: datetime
) -> list[SessionCheck]:
    """Check tokens and move their idle windows (written at most once a minute)."""
    rows = await db.fetch(
        "SELECT * FROM rustygpt.authenticate_sessions($1, $2, $3)", token_hashes, idle_seconds, now
    )
    return [_session_check(*row) for row in rows]


def _session_check(_place: int, reason: Reason | None, *row: Any) -> SessionCheck:
    if reason is not None:
        return SessionCheck(reason)
    return SessionCheck(None, User(*row[:5]), Session(*row[5:9]), row[9], row[10])


async def rotate_session(
    db: Database,
    old_hash: bytes,
    new_hash: bytes,
    *,
    grace_seconds: int,
    idle_seconds: int,
    now: datetime,
) -> RotatedSession:
    """Put a new token in the place of an old one, once; NotFound when the old one is dead."""
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
    """End one of one's own sessions; NotFound otherwise."""
    await db.fetch_value("SELECT rustygpt.end_session($1, $2)", actor, session_id)


async def end_session_by_token(db: Database, token_hash: bytes) -> UUID | None:
    """Log out: end the session of a token; answers its id, or None when there was none."""
    ended: UUID | None = await db.fetch_value(
        "SELECT rustygpt.end_session_by_token($1)", token_hash
    )
    return ended


async def list_sessions(
    db: Database, actor: UUID, current: UUID | None, now: datetime
) -> list[OwnSession]:
    """One's own live sessions, newest first; `current` is marked."""
    rows = await db.fetch("SELECT * FROM rustygpt.list_sessions($1, $2, $3)", actor, current, now)
    return [OwnSession(*row) for row in rows]


async def touch_sessions(
    db: Database, session_ids: list[UUID], idle_seconds: int, now: datetime
) -> set[UUID]:
    """Count open streams as use; answers those sessions that are still alive."""
    rows = await db.fetch(
        "SELECT * FROM rustygpt.touch_sessions($1, $2, $3)", session_ids, idle_seconds, now
    )
    return {row[0] for row in rows}


async def count_sessions(db: Database, now: datetime) -> int:
    """How many sessions are alive."""
    return int(await db.fetch_value("SELECT rustygpt.count_sessions($1)", now))


async def prune_sessions(db: Database, now: datetime) -> int:
    """Forget sessions that ended by themselves; answers how many."""
    return int(await db.fetch_value("SELECT rustygpt.prune_sessions($1)", now))
