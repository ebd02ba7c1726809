"""Sessions: log-in, authentication, token rotation, and the end of sessions.

Tokens are created here; the database only has their hashes. A rotated token is derived from the one
before: a client that lost the response gets the same new token again, and stays signed in.
"""

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime
from typing import Literal
from uuid import UUID

from rustygpt_server.db import accounts, audit, identities, sessions
from rustygpt_server.db.access_changes import AccessChange
from rustygpt_server.db.accounts import LoginRecord
from rustygpt_server.db.database import Database
from rustygpt_server.db.sessions import (
    NewSession,
    PasswordChange,
    SessionCheck,
    SessionLimits,
)
from rustygpt_server.errors import AccountDisabled, Forbidden, NotFound, NotSignedIn
from rustygpt_server.runtime import Runtime
from rustygpt_server.services.access import AccessMonitor
from rustygpt_server.services.batcher import Batcher
from rustygpt_server.services.cache import InvalidationCache
from rustygpt_server.services.callers import ClientInfo, SessionCaller, session_caller
from rustygpt_server.services.passwords import Passwords, against_current_password
from rustygpt_server.services.secret_tokens import base64url, hash_token, new_token
from rustygpt_server.telemetry import log_security
from rustygpt_shared import problems, requests
from rustygpt_shared.ids import new_id
from rustygpt_shared.models.users import OwnSession, Session, User
from rustygpt_shared.settings import SessionSettings

TOUCH_INTERVAL_SECONDS = 60
"""The database records the use of a session at most once in this time (`check_token` in `sql/`)."""


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

    async def log_in(self, name: str, password: str, client: ClientInfo) -> SessionCaller:
        """Check a name and a password, and start a session.

        Unknown names and wrong passwords raise the same NotSignedIn, after the same time. Raises
        AccountDisabled if the password is right and the account is disabled.
        """
        return await against_current_password(lambda: self._try_log_in(name, password, client))

    async def _try_log_in(self, name: str, password: str, client: ClientInfo) -> SessionCaller:
        login = await accounts.find_login(self._db, name)
        matches = await self._passwords.check(login.password_hash if login else None, password)
        if login is None or not matches:
            self._metrics.logins.labels("refused").inc()
            await self._record_refusal(login, "wrong password" if login else "unknown account")
            raise NotSignedIn("The name or the password is wrong.", problems.INVALID_CREDENTIALS)
        if login.disabled:
            self._metrics.logins.labels("disabled").inc()
            await self._record_refusal(login, "disabled")
            raise AccountDisabled("This account is disabled; ask an administrator.")
        caller = await self.start_session(login.user_id, login.password_hash, client)
        if self._passwords.is_outdated(login.password_hash):
            new_hash = await self._passwords.hash(password)
            await accounts.store_password_hash(
                self._db, login.user_id, login.password_hash, new_hash
            )
        return caller

    async def _record_refusal(self, login: LoginRecord | None, reason: str) -> None:
        """Log a refused login, and write it to the audit log.

        That an unknown account is written too makes both cases take the same time.
        """
        log_security("login refused", refused=True, account=login and login.username, reason=reason)
        await audit.record_refused_login(self._db, login.user_id if login else None, reason)

    async def start_session(
        self, user_id: UUID, checked_hash: str, client: ClientInfo
    ) -> SessionCaller:
        """Start a session for a user who is authenticated, and end the oldest beyond the limit."""
        token = new_token()
        now = self._clock.now()
        new_session = NewSession(
            id=new_id(int(now.timestamp() * 1000)),
            user_id=user_id,
            checked_hash=checked_hash,
            token_hash=hash_token(token),
            user_agent=client.user_agent,
            address=client.address,
        )
        session_limits = SessionLimits(
            self._settings.idle_seconds,
            self._settings.absolute_seconds,
            self._settings.max_sessions_per_user,
        )
        started = await sessions.start_session(self._db, new_session, session_limits, now)
        self._access.publish_ended_sessions(started.ended_sessions, user_id)
        user = await accounts.show_me(self._db, user_id)
        self._metrics.logins.labels("accepted").inc()
        return session_caller(user, started.session, token, 0, new_token=token)

    async def authenticate(self, token: str, *, fresh_session: bool = False) -> SessionCaller:
        """Return the caller that a token belongs to, and rotate the token if that is due.

        Raises NotSignedIn. With `fresh_session` the database is queried, otherwise a cached result
        may be used.
        """
        token_hash = hash_token(token)
        check = None if fresh_session else self._cached(token_hash)
        check = check or await self._query(token_hash)
        if check.user is None or check.session is None:
            reason = check.reason or "unknown"
            log_security("session refused", refused=True, account=check.username, reason=reason)
            raise _not_signed_in(reason)
        if check.superseded:
            return session_caller(
                check.user, check.session, token, check.generation, self._derive_next(token)
            )
        if check.rotate_due:
            return await self._rotate(token, check.user, check.generation, "due")
        return session_caller(check.user, check.session, token, check.generation)

    async def refresh(self, token: str) -> SessionCaller:
        """Rotate a token now; a token that was rotated a moment ago gets the same new one."""
        caller = await self.authenticate(token, fresh_session=True)
        if caller.new_token:
            return caller
        return await self._rotate(token, caller.user, caller.generation, "asked")

    async def change_password(
        self, caller: SessionCaller, request: requests.ChangePassword
    ) -> SessionCaller:
        """Change the caller's password; the caller's session gets a new random token.

        From then on no process accepts any other token of the account: its other sessions end, and
        copies of the caller's cookie are dead. Raises NotSignedIn if the current password is wrong.
        """
        return await against_current_password(lambda: self._try_change_password(caller, request))

    async def _try_change_password(
        self, caller: SessionCaller, request: requests.ChangePassword
    ) -> SessionCaller:
        user_id = caller.user.id
        checked_hash = await accounts.show_password(self._db, user_id)
        if checked_hash:
            await self._passwords.verify(caller.user, checked_hash, request.current_password)
        else:
            await self._check_recent(caller)
        new_hash = await self._passwords.hash(request.new_password)
        await self._access.bypass_caches(user_id)
        token = new_token()
        change = PasswordChange(
            user_id, caller.session.id, checked_hash, new_hash, hash_token(token)
        )
        try:
            changed = await sessions.change_password(
                self._db, change, self._settings.idle_seconds, self._clock.now()
            )
        except NotFound:
            raise _not_signed_in("unknown") from None
        self._metrics.session_rotations.labels("password").inc()
        log_security("password changed", account=caller.user.username)
        self._access.publish(
            AccessChange(
                "password_changed", user_id, caller.session.id, event_number=changed.generation
            )
        )
        self._access.publish_ended_sessions(changed.ended_sessions, user_id)
        return session_caller(
            caller.user, changed.session, token, changed.generation, new_token=token
        )

    async def _check_recent(self, caller: SessionCaller) -> None:
        """Raise Forbidden unless a caller without a password has just signed in by a provider.

        Who finds a browser that is signed in must not take the account over with a password. The
        session alone does not show it: that browser can confirm the login of another device.
        """
        linked = await identities.list_identities(self._db, caller.user.id)
        used = [identity.last_used_at for identity in linked if identity.last_used_at]
        moment = min(caller.session.issued_at, max(used, default=caller.session.issued_at))
        age = (self._clock.now() - moment).total_seconds()
        if not used or age > self._limits.first_password:
            raise Forbidden("Sign in again by your provider, then set your first password.")

    async def log_out(self, token: str) -> None:
        """End the session that a token belongs to, if any, and close its streams."""
        session_id = await sessions.end_session_by_token(self._db, hash_token(token))
        if session_id:
            self._access.publish_ended_sessions([session_id])

    async def list_sessions(self, caller: SessionCaller) -> list[OwnSession]:
        """Return the caller's sessions that have not ended."""
        return await sessions.list_sessions(
            self._db, caller.user.id, caller.session.id, self._clock.now()
        )

    async def end_session(self, caller: SessionCaller, session_id: UUID) -> None:
        """End one of the caller's sessions, and close its streams."""
        await sessions.end_session(self._db, caller.user.id, session_id)
        self._access.publish_ended_sessions([session_id], caller.user.id)

    async def end_user_sessions(self, actor: UUID, user_id: UUID) -> None:
        """End all sessions of a user, and close their streams; for administrators."""
        username, ended = await sessions.end_user_sessions(self._db, actor, user_id)
        self._access.publish_ended_sessions(ended, user_id)
        log_security("sessions ended", account=username, by=str(actor))

    async def touch(self, session_ids: Iterable[UUID]) -> None:
        """Record that sessions are in use, which moves the end of their idle window."""
        await sessions.touch_sessions(
            self._db, list(session_ids), self._settings.idle_seconds, self._clock.now()
        )

    async def prune(self) -> None:
        """Delete sessions that ended long ago."""
        await sessions.prune_sessions(self._db, self._clock.now())

    async def count_active(self) -> None:
        """Set the gauge of active sessions."""
        self._metrics.active_sessions.set(
            await sessions.count_sessions(self._db, self._clock.now())
        )

    def csrf_token(self, token: str) -> str:
        """Return the CSRF token that belongs to a session token."""
        return self._derive("csrf", token)

    def _cached(self, token_hash: bytes) -> SessionCheck | None:
        """Return a cached check, unless the database has to end, touch or rotate the session."""
        check = self._cache.get(token_hash)
        if check is None or check.session is None:
            return None
        idle_seconds = self._settings.idle_seconds
        return None if _needs_database(check.session, idle_seconds, self._clock.now()) else check

    async def _query(self, token_hash: bytes) -> SessionCheck:
        version = self._cache.version
        check = await self._queries.submit(token_hash)
        is_cacheable = check.cacheable and not (check.superseded or check.rotate_due)
        if check.user and check.session and is_cacheable:
            self._cache.put(token_hash, check, version, check.user.id, check.session.id)
        return check

    async def _query_batch(self, token_hashes: list[bytes]) -> list[SessionCheck]:
        return await sessions.authenticate_sessions(
            self._db, token_hashes, self._settings.idle_seconds, self._clock.now()
        )

    def _on_access_change(self, change: AccessChange | None) -> None:
        if change is None:
            self._cache.clear()
        elif change.conversation_id is None:
            self._cache.invalidate(change.session_id or change.user_id)

    async def _rotate(self, token: str, user: User, generation: int, reason: str) -> SessionCaller:
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
        return session_caller(user, rotated.session, token, generation, new_token=next_token)

    def _derive_next(self, token: str) -> str:
        return self._derive("next", token)

    def _derive(self, purpose: str, token: str) -> str:
        message = f"{purpose}:{token}".encode()
        return base64url(hmac.new(self._secret, message, hashlib.sha256).digest())


def _needs_database(session: Session, idle_seconds: int, now: datetime) -> bool:
    """Return True if a session is over, or its use is to be recorded, or its token to be rotated.

    The rules are those of `check_token` in `sql/`: use is recorded once a minute; a token is
    rotated when less than half of the idle window is left; neither applies once the window ends
    with the session itself.
    """
    seconds_left = (session.expires_at - now).total_seconds()
    if seconds_left <= 0:
        return True
    if session.expires_at >= session.absolute_expires_at:
        return False
    touch_due = seconds_left <= idle_seconds - TOUCH_INTERVAL_SECONDS
    rotation_due = seconds_left < idle_seconds / 2
    return touch_due or rotation_due


def _not_signed_in(reason: Literal["unknown", "expired", "superseded", "disabled"]) -> NotSignedIn:
    if reason == "expired":
        return NotSignedIn("Your session has ended; sign in again.", problems.EXPIRED)
    return NotSignedIn("This session is not known; sign in again.", problems.INVALID_SESSION)
