"""Personal tokens: creation, authentication, revocation.

A token is created here; the database only has its hash. Which routes need which scope is declared
with the routes.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import structs

from rustygpt_server.db import tokens
from rustygpt_server.db.access_changes import AccessChange
from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import IdempotencyKey
from rustygpt_server.db.tokens import NewToken, Reason, TokenCheck, ValidToken
from rustygpt_server.errors import NotSignedIn
from rustygpt_server.runtime import Runtime
from rustygpt_server.services.access import AccessMonitor
from rustygpt_server.services.batcher import Batcher
from rustygpt_server.services.cache import InvalidationCache
from rustygpt_server.services.callers import SessionCaller, TokenCaller
from rustygpt_server.services.secret_tokens import (
    TOKEN_PREFIX,
    hash_token,
    is_personal_token,
    new_prefixed_token,
)
from rustygpt_server.telemetry import log_security
from rustygpt_shared import problems, requests
from rustygpt_shared.ids import new_id
from rustygpt_shared.models.tokens import CreatedToken, PersonalToken

MAX_TOKENS: Final = 50
"""How many tokens that have not expired a user may have."""
USE_INTERVAL_SECONDS: Final = 60
"""The database records the use of a token at most once in this time (`authenticate_tokens`)."""
_CHALLENGE: Final = 'Bearer realm="rustygpt", error="invalid_token"'
"""RFC 6750, section 3."""


class Tokens:
    """The personal tokens of one server."""

    def __init__(self, db: Database, access: AccessMonitor, runtime: Runtime) -> None:
        self._db = db
        self._access = access
        self._clock = runtime.clock
        self._queries = Batcher(self._query_batch)
        self._cache: InvalidationCache[bytes, ValidToken] = InvalidationCache(
            access.is_current, runtime.clock, runtime.limits.auth_cache_ttl
        )
        access.subscribe(self._on_access_change)

    async def create_token(
        self,
        caller: SessionCaller,
        request: requests.CreateToken,
        idempotency_key: IdempotencyKey | None,
    ) -> CreatedToken:
        """Create a token of the caller; raises Conflict for one more than MAX_TOKENS."""
        secret = new_prefixed_token(TOKEN_PREFIX)
        now = self._clock.now()
        seconds = request.expires_in_seconds
        new = NewToken(
            id=new_id(int(now.timestamp() * 1000)),
            token_hash=hash_token(secret),
            name=request.name,
            scopes=request.scopes,
            expires_at=None if seconds is None else now + timedelta(seconds=seconds),
        )
        created = await tokens.create_token(
            self._db, caller.user.id, new, MAX_TOKENS, idempotency_key, now
        )
        log_security("token created", account=caller.user.username, scopes=created.scopes)
        return CreatedToken(**structs.asdict(created), token=secret)

    async def list_tokens(self, caller: SessionCaller) -> list[PersonalToken]:
        """Return the caller's tokens."""
        return await tokens.list_tokens(self._db, caller.user.id)

    async def revoke_token(self, caller: SessionCaller, token_id: UUID) -> None:
        """Revoke one of the caller's tokens, and close its streams."""
        await tokens.revoke_token(self._db, caller.user.id, token_id)
        log_security("token revoked", account=caller.user.username)
        self._access.publish(AccessChange("session_ended", caller.user.id, token_id))

    async def authenticate(self, token: str, *, fresh: bool = False) -> TokenCaller:
        """Return the caller that a token belongs to; raises NotSignedIn.

        With `fresh` the database is queried, otherwise a cached result may be used.
        """
        if not is_personal_token(token):
            raise malformed_authorization()
        token_hash = hash_token(token)
        valid = (None if fresh else self._cached(token_hash)) or await self._query(token_hash)
        return TokenCaller(valid.user, valid.id, valid.expires_at, scopes=frozenset(valid.scopes))

    async def prune(self) -> None:
        """Delete tokens that expired long ago."""
        await tokens.prune_tokens(self._db, self._clock.now())

    def _cached(self, token_hash: bytes) -> ValidToken | None:
        """Return a cached token, unless it has expired or its use is to be recorded."""
        valid = self._cache.get(token_hash)
        if valid is None or _needs_database(valid, self._clock.now()):
            return None
        return valid

    async def _query(self, token_hash: bytes) -> ValidToken:
        version = self._cache.version
        check = await self._queries.submit(token_hash)
        if check.token is None:
            reason = check.reason or "unknown"
            log_security("token refused", refused=True, account=check.username, reason=reason)
            raise _refusal(reason)
        self._cache.put(token_hash, check.token, version, check.token.user.id, check.token.id)
        return check.token

    async def _query_batch(self, token_hashes: list[bytes]) -> list[TokenCheck]:
        return await tokens.authenticate_tokens(self._db, token_hashes, self._clock.now())

    def _on_access_change(self, change: AccessChange | None) -> None:
        if change is None:
            self._cache.clear()
        elif change.conversation_id is None:
            self._cache.invalidate(change.session_id or change.user_id)


def malformed_authorization() -> NotSignedIn:
    """Return the error for an `Authorization` header that holds no personal token."""
    return NotSignedIn(
        "This is no personal token; the Authorization header is `Bearer`, then `rgpt_` and more.",
        problems.INVALID_SESSION,
        _CHALLENGE,
    )


def _needs_database(valid: ValidToken, now: datetime) -> bool:
    if valid.expires_at is not None and valid.expires_at <= now:
        return True
    used = valid.last_used_at
    return used is None or (now - used).total_seconds() >= USE_INTERVAL_SECONDS


def _refusal(reason: Reason) -> NotSignedIn:
    if reason == "expired":
        return NotSignedIn(
            "This personal token has expired; create a new one.", problems.EXPIRED, _CHALLENGE
        )
    return NotSignedIn(
        "This personal token is not known, or was revoked; create a new one.",
        problems.INVALID_SESSION,
        _CHALLENGE,
    )
