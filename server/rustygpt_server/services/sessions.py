"""Sessions: log in, check, rotate, end. Tokens are made and compared here, and stored hashed only.

A rotated token is derived from the one before: a client whose answer was lost gets the same one
again, and is not logged out.
"""

import base64
import hashlib
import hmac
import secrets
from typing import Literal
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db import accounts, sessions
from rustygpt_server.db.access_changes import AccessChange
from rustygpt_server.db.database import Database
from rustygpt_server.db.sessions import NewSession, SessionCheck, SessionLimits
from rustygpt_server.errors import AccountDisabled, NotFound, NotSignedIn
from rustygpt_server.runtime import Runtime
from rustygpt_server.services.access import AccessMonitor
from rustygpt_server.services.batcher import Batcher
from rustygpt_server.services.cache import InvalidationCache
from rustygpt_server.services.passwords import Passwords
from rustygpt_shared import problems
from rustygpt_shared.ids import new_id
from rustygpt_shared.models.users import OwnSession, Session, User
from rustygpt_shared.settings import SessionSettings

TOUCH_INTERVAL_SECONDS = 60
"""The database writes that a session is in use at most so often."""


class ClientInfo(Struct, frozen=True):
    """Where a request comes from."""

    address: str
    user_agent: str | None


class Caller(Struct, frozen=True):
    """A signed-in caller; `fresh` is the token the client has to use from now on, if any."""

    user: User
    session: Session
    token: str
    new_token: str | None = None


class Sessions:
    """The sessions of one server."""

    def __init__(
        self,
        db: Database,
        access: AccessMonitor,
        passwords: Passwords,
        settings: SessionSettings,
        runtime: Runtime,
        secret: bytes,
    ) -> None:
        self._db = db
        self._access = access
        self._passwords = passwords
        self._settings = settings
        self._limits = runtime.limits
        self._clock = runtime.clock
        self._metrics = runtime.metrics
        self._secret = secret
        self._queries = Batcher(self._query_batch)
        self._cache: InvalidationCache[bytes, SessionCheck] = InvalidationCache(
            access.is_current, runtime.clock, runtime.limits.auth_cache_ttl
        )
        access.subscribe(self._on_access_change)

    async def log_in(self, name: str, password: str, client: ClientInfo) -> Caller:
        """Start a session; unknown names and wrong passwords look the same, also in time."""
        login = await accounts.find_login(self._db, name)
        fits = await self._passwords.check(login.password_hash if login else None, password)
        if login is None or not fits:
            self._metrics.logins.labels("refused").inc()
            raise NotSignedIn("The name or the password is wrong.", problems.INVALID_CREDENTIALS)
        if login.disabled:
            self._metrics.logins.labels("disabled").inc()
            raise AccountDisabled("This account is disabled; ask an administrator.")
        if self._passwords.is_outdated(login.password_hash):
            stronger = await self._passwords.hash(password)
            await accounts.store_password_hash(self._db, login.user_id, stronger)
        return await self.start(login.user_id, client)

    async def start(self, user_id: UUID, client: ClientInfo) -> Caller:
        """Start a session for somebody who proved to be the user."""
        token, now = new_token(), self._clock.now()
        new = NewSession(
            id=new_id(int(now.timestamp() * 1000)),
            user_id=user_id,
            token_hash=hash_token(token),
            user_agent=client.user_agent,
            address=client.address,
        )
        windows = SessionLimits(
            self._settings.idle_seconds,
            self._settings.absolute_seconds,
            self._settings.max_sessions_per_user,
        )
        started = await sessions.start_session(self._db, new, windows, now)
        self._access.publish_ended_sessions(started.ended_sessions, user_id)
        user = await accounts.show_me(self._db, user_id)
        self._metrics.logins.labels("accepted").inc()
        return Caller(user, started.session, token, new_token=token)

    async def authenticate(self, token: str, *, fresh_session: bool = False) -> Caller:
        """Whose token this is; rotates it when that is due. Raises NotSignedIn.

        What this process knows serves, unless it is `strict`: then the database is asked.
        """
        token_hash = hash_token(token)
        checked = None if fresh_session else self._cached(token_hash)
        checked = checked or await self._query(token_hash)
        if checked.user is None or checked.session is None:
            raise _not_signed_in(checked.reason or "unknown")
        if checked.superseded:
            return Caller(checked.user, checked.session, token, new_token=self._derive_next(token))
        if checked.rotate_due:
            return await self._rotate(token, checked.user, "due")
        return Caller(checked.user, checked.session, token)

    async def refresh(self, token: str) -> Caller:
        """Rotate a token now; one that was superseded a moment ago gets the same new one."""
        caller = await self.authenticate(token, fresh_session=True)
        return caller if caller.new_token else await self._rotate(token, caller.user, "asked")

    async def log_out(self, token: str) -> None:
        """End the token's session, if it has one, and its streams."""
        ended = await sessions.end_session_by_token(self._db, hash_token(token))
        if ended:
            self._access.publish_ended_sessions([ended])

    async def list_sessions(self, caller: Caller) -> list[OwnSession]:
        """One's own live sessions."""
        return await sessions.list_sessions(
            self._db, caller.user.id, caller.session.id, self._clock.now()
        )

    async def end_session(self, caller: Caller, session_id: UUID) -> None:
        """End one of one's own sessions, and its streams."""
        await sessions.end_session(self._db, caller.user.id, session_id)
        self._access.publish_ended_sessions([session_id], caller.user.id)

    def csrf_token(self, token: str) -> str:
        """The CSRF token that belongs to a session token."""
        return self._derive("csrf", token)

    def _cached(self, token_hash: bytes) -> SessionCheck | None:
        """What is known of a token, as long as the database would only say it again."""
        cached = self._cache.get(token_hash)
        if cached is None or cached.session is None:
            return None
        idle = self._settings.idle_seconds
        left = (cached.session.expires_at - self._clock.now()).total_seconds()
        at_end = cached.session.expires_at >= cached.session.absolute_expires_at
        touch_due = left <= idle - TOUCH_INTERVAL_SECONDS or left < idle / 2
        return None if left <= 0 or (touch_due and not at_end) else cached

    async def _query(self, token_hash: bytes) -> SessionCheck:
        version = self._cache.version
        checked = await self._queries.submit(token_hash)
        plain = not (checked.superseded or checked.rotate_due)
        if checked.user and checked.session and plain:
            tags = (checked.user.id, checked.session.id)
            self._cache.put(token_hash, checked, version, *tags)
        return checked

    async def _query_batch(self, token_hashes: list[bytes]) -> list[SessionCheck]:
        return await sessions.authenticate_sessions(
            self._db, token_hashes, self._settings.idle_seconds, self._clock.now()
        )

    def _on_access_change(self, change: AccessChange | None) -> None:
        if change is None:
            self._cache.clear()
        elif change.conversation_id is None:
            self._cache.invalidate(change.session_id or change.user_id)

    async def _rotate(self, token: str, user: User, reason: str) -> Caller:
        next_token = self._derive_next(token)
        try:
            rotated = await sessions.rotate_session(
                self._db,
                hash_token(token),
                hash_token(next_token),
                grace_seconds=int(self._limits.rotation_grace),
                idle_seconds=self._settings.idle_seconds,
                now=self._clock.now(),
            )
        except NotFound:
            raise _not_signed_in("unknown") from None
        if rotated.rotated:
            self._metrics.session_rotations.labels(reason).inc()
            self._access.publish(AccessChange("session_rotated", user.id, rotated.session.id))
        return Caller(user, rotated.session, token, new_token=next_token)

    def _derive_next(self, token: str) -> str:
        return self._derive("next", token)

    def _derive(self, purpose: str, token: str) -> str:
        message = f"{purpose}:{token}".encode()
        return _base64url(hmac.new(self._secret, message, hashlib.sha256).digest())


def new_token() -> str:
    """32 random bytes, in base64url without padding."""
    return _base64url(secrets.token_bytes(32))


def hash_token(token: str) -> bytes:
    """What is stored of a token: its SHA-256."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _not_signed_in(reason: Literal["unknown", "expired", "superseded", "disabled"]) -> NotSignedIn:
    if reason == "expired":
        return NotSignedIn("Your session has ended; sign in again.", problems.EXPIRED)
    return NotSignedIn("This session is not known; sign in again.", problems.INVALID_SESSION)
