"""Personal tokens: create, list, check and revoke. Only hashes (SHA-256) are passed to it."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import IdempotencyKey
from rustygpt_server.telemetry import client_address
from rustygpt_shared.models.tokens import PersonalToken, Scope
from rustygpt_shared.models.users import User

Reason = Literal["unknown", "expired", "disabled"]


class NewToken(Struct, frozen=True):
    """A personal token to be created."""

    id: UUID
    token_hash: bytes
    name: str
    scopes: list[Scope]
    expires_at: datetime | None


class ValidToken(Struct, frozen=True):
    """A valid personal token, and its user."""

    user: User
    id: UUID
    scopes: list[Scope]
    expires_at: datetime | None
    last_used_at: datetime | None


class TokenCheck(Struct, frozen=True):
    """The result of a check: the token, or the reason why it is not valid."""

    token: ValidToken | None
    reason: Reason | None = None
    username: str | None = None
    """Whose token it was, if it is not valid any more."""


async def create_token(
    db: Database,
    actor: UUID,
    new: NewToken,
    max_tokens: int,
    idempotency_key: IdempotencyKey | None,
    now: datetime,
) -> PersonalToken:
    """Create a token; raise Conflict for one too many, or a key that was used before."""
    key = idempotency_key
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.create_token(rustygpt.from_address($1::uuid, $11), "
        "$2, $3, $4, $5, $6, $7, $8, $9, $10)",
        actor,
        new.id,
        new.token_hash,
        new.name,
        new.scopes,
        new.expires_at,
        max_tokens,
        key and key.key,
        key and key.body_hash,
        now,
        client_address(),
    )
    return _personal_token(row)


async def list_tokens(db: Database, actor: UUID) -> list[PersonalToken]:
    """Return the user's own tokens, newest first."""
    rows = await db.fetch("SELECT * FROM rustygpt.list_tokens($1)", actor)
    return [_personal_token(row) for row in rows]


async def revoke_token(db: Database, actor: UUID, token_id: UUID) -> None:
    """Revoke one of the user's own tokens; raise NotFound otherwise."""
    await db.fetch_value(
        "SELECT rustygpt.revoke_token(rustygpt.from_address($1::uuid, $3), $2)",
        actor,
        token_id,
        client_address(),
    )


async def authenticate_tokens(
    db: Database, token_hashes: list[bytes], now: datetime
) -> list[TokenCheck]:
    """Check tokens, and record their use (written at most once a minute)."""
    rows = await db.fetch("SELECT * FROM rustygpt.authenticate_tokens($1, $2)", token_hashes, now)
    return [_token_check(*row) for row in rows]


async def prune_tokens(db: Database, now: datetime) -> int:
    """Delete tokens that expired long ago; return how many."""
    return int(await db.fetch_value("SELECT rustygpt.prune_tokens($1)", now))


def _token_check(_ordinal: int, reason: Reason | None, *row: Any) -> TokenCheck:
    if reason is not None:
        return TokenCheck(None, reason, row[2])
    return TokenCheck(ValidToken(User(*row[:5]), *row[5:]))


def _personal_token(row: Any) -> PersonalToken:
    fields = PersonalToken.__struct_fields__
    return PersonalToken(**dict(zip(fields, row, strict=True)))
