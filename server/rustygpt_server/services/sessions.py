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

from rustygpt_server.clock import Clock, TimeLimits
from rustygpt_server.db import accounts, sessions
from rustygpt_server.db.controls import Control
from rustygpt_server.db.database import Database
from rustygpt_server.db.refusals import NotFound
from rustygpt_server.db.sessions import Checked, NewSession, Windows
from rustygpt_server.errors import AccountDisabled, NotSignedIn
from rustygpt_server.services.batches import Batches
from rustygpt_server.services.cache import Cache
from rustygpt_server.services.passwords import Passwords
from rustygpt_server.services.rights import Rights
from rustygpt_server.telemetry import Metrics
from rustygpt_shared import problems
from rustygpt_shared.ids import new_id
from rustygpt_shared.models.users import OwnSession, Session, User
from rustygpt_shared.settings import SessionSettings

MOVE_SECONDS = 60
"""The database writes that a session is in use at most so often."""


class Visitor(Struct, frozen=True):
    """Where a request comes from."""

    address: str
    user_agent: str | None


class Signed(Struct, frozen=True):
    """A signed-in caller; `fresh` is the token the client has to use from now on, if any."""

    user: User
    session: Session
    token: str
    fresh: str | None = None


class Sessions:
    """The sessions of one server."""

    def __init__(
        self,
        db: Database,
        rights: Rights,
        passwords: Passwords,
        settings: SessionSettings,
        limits: TimeLimits,
        clock: Clock,
        metrics: Metrics,
        secret: bytes,
    ) -> None:
        self._db = db
        self._rights = rights
        self._passwords = passwords
        self._settings = settings
        self._limits = limits
        self._clock = clock
        self._metrics = metrics
        self._secret = secret
        self._asked = Batches(self._check_all)
        self._known: Cache[bytes, Checked] = Cache(rights.is_current, clock, limits.rights_reuse)
        rights.watch(self._change)

    async def log_in(self, name: str, password: str, visitor: Visitor) -> Signed:
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
        return await self.start(login.user_id, visitor)

    async def start(self, user_id: UUID, visitor: Visitor) -> Signed:
        """Start a session for somebody who proved to be the user."""
        token, now = new_token(), self._clock.now()
        new = NewSession(
            id=new_id(int(now.timestamp() * 1000)),
            user_id=user_id,
            token_hash=hash_token(token),
            user_agent=visitor.user_agent,
            address=visitor.address,
        )
        windows = Windows(
            self._settings.idle_seconds,
            self._settings.absolute_seconds,
            self._settings.max_sessions_per_user,
        )
        started = await sessions.start_session(self._db, new, windows, now)
        self._rights.tell_ended(started.ended, user_id)
        user = await accounts.show_me(self._db, user_id)
        self._metrics.logins.labels("accepted").inc()
        return Signed(user, started.session, token, fresh=token)

    async def authenticate(self, token: str, *, strict: bool = False) -> Signed:
        """Whose token this is; rotates it when that is due. Raises NotSignedIn.

        What this process knows serves, unless it is `strict`: then the database is asked.
        """
        token_hash = hash_token(token)
        checked = None if strict else self._recall(token_hash)
        checked = checked or await self._check(token_hash)
        if checked.user is None or checked.session is None:
            raise _refused(checked.reason or "unknown")
        if checked.superseded:
            return Signed(checked.user, checked.session, token, fresh=self._next(token))
        if checked.rotate_due:
            return await self._rotate(token, checked.user, "due")
        return Signed(checked.user, checked.session, token)

    async def refresh(self, token: str) -> Signed:
        """Rotate a token now; one that was superseded a moment ago gets the same new one."""
        signed = await self.authenticate(token, strict=True)
        return signed if signed.fresh else await self._rotate(token, signed.user, "asked")

    async def log_out(self, token: str) -> None:
        """End the token's session, if it has one, and its streams."""
        ended = await sessions.end_session_by_token(self._db, hash_token(token))
        if ended:
            self._rights.tell_ended([ended])

    async def list_sessions(self, signed: Signed) -> list[OwnSession]:
        """One's own live sessions."""
        return await sessions.list_sessions(
            self._db, signed.user.id, signed.session.id, self._clock.now()
        )

    async def end_session(self, signed: Signed, session_id: UUID) -> None:
        """End one of one's own sessions, and its streams."""
        await sessions.end_session(self._db, signed.user.id, session_id)
        self._rights.tell_ended([session_id], signed.user.id)

    def csrf_token(self, token: str) -> str:
        """The CSRF token that belongs to a session token."""
        return self._derive("csrf", token)

    def _recall(self, token_hash: bytes) -> Checked | None:
        """What is known of a token, as long as the database would only say it again."""
        known = self._known.get(token_hash)
        if known is None or known.session is None:
            return None
        idle = self._settings.idle_seconds
        left = (known.session.expires_at - self._clock.now()).total_seconds()
        at_end = known.session.expires_at >= known.session.absolute_expires_at
        moves = left <= idle - MOVE_SECONDS or left < idle / 2
        return None if left <= 0 or (moves and not at_end) else known

    async def _check(self, token_hash: bytes) -> Checked:
        since = self._known.changes
        checked = await self._asked.ask(token_hash)
        plain = not (checked.superseded or checked.rotate_due)
        if checked.user and checked.session and plain:
            about = (checked.user.id, checked.session.id)
            self._known.put(token_hash, checked, since, *about)
        return checked

    async def _check_all(self, token_hashes: list[bytes]) -> list[Checked]:
        return await sessions.authenticate_sessions(
            self._db, token_hashes, self._settings.idle_seconds, self._clock.now()
        )

    def _change(self, control: Control | None) -> None:
        if control is None:
            self._known.clear()
        elif control.conversation_id is None:
            self._known.change(control.session_id or control.user_id)

    async def _rotate(self, token: str, user: User, reason: str) -> Signed:
        fresh = self._next(token)
        try:
            rotated = await sessions.rotate_session(
                self._db,
                hash_token(token),
                hash_token(fresh),
                grace_seconds=int(self._limits.rotation_grace),
                idle_seconds=self._settings.idle_seconds,
                now=self._clock.now(),
            )
        except NotFound:
            raise _refused("unknown") from None
        if rotated.rotated:
            self._metrics.rotations.labels(reason).inc()
            self._rights.tell(Control("session_rotated", user.id, rotated.session.id))
        return Signed(user, rotated.session, token, fresh=fresh)

    def _next(self, token: str) -> str:
        return self._derive("next", token)

    def _derive(self, purpose: str, token: str) -> str:
        message = f"{purpose}:{token}".encode()
        return _text(hmac.new(self._secret, message, hashlib.sha256).digest())


def new_token() -> str:
    """32 random bytes, in base64url without padding."""
    return _text(secrets.token_bytes(32))


def hash_token(token: str) -> bytes:
    """What is stored of a token: its SHA-256."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _refused(reason: Literal["unknown", "expired", "superseded", "disabled"]) -> NotSignedIn:
    if reason == "expired":
        return NotSignedIn("Your session has ended; sign in again.", problems.EXPIRED)
    return NotSignedIn("This session is not known; sign in again.", problems.INVALID_SESSION)
