"""Identities: the accounts at other providers with which users sign in to theirs.

How a provider proves an identity belongs to `oauth`.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from typing import Final
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db import accounts, audit, identities
from rustygpt_server.db.database import Database
from rustygpt_server.db.identities import Identity, NewIdentityAccount, OAuthFlow
from rustygpt_server.db.rows import EventRecord
from rustygpt_server.errors import (
    AccountDisabled,
    Conflict,
    Forbidden,
    Gone,
    NotFound,
    SignInFailed,
    ValidationFailed,
)
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.runtime import Runtime
from rustygpt_server.services import names
from rustygpt_server.services.access import AccessMonitor
from rustygpt_server.services.callers import Caller, ClientInfo, SessionCaller
from rustygpt_server.services.passwords import against_current_password
from rustygpt_server.services.sessions import Sessions
from rustygpt_server.telemetry import log_security
from rustygpt_shared import text_rules
from rustygpt_shared.ids import new_id
from rustygpt_shared.models.identities import LinkedIdentities
from rustygpt_shared.settings import RegistrationMode

MAX_IDENTITIES: Final = 20
"""How many identities an account may have."""
_NUMBERED: Final = 5
"""How many user names with a number are tried before random ones."""
_RANDOM: Final = 5


class Profile(Struct, frozen=True):
    """An identity, and what its provider says about the person: nothing of it is trusted."""

    identity: Identity
    username: str | None = None
    name: str | None = None
    email: str | None = None
    """An address that the provider has verified."""


class SignedIn(Struct, frozen=True):
    """Who has signed in by a provider."""

    caller: SessionCaller
    joined: UUID | None = None
    """The conversation of the invite that the new account came with."""


class Identities:
    """The identities of one server's users."""

    def __init__(
        self,
        db: Database,
        hub: Hub,
        access: AccessMonitor,
        sessions: Sessions,
        mode: RegistrationMode,
        runtime: Runtime,
    ) -> None:
        self._db = db
        self._hub = hub
        self._access = access
        self._sessions = sessions
        self._mode = mode
        self._clock = runtime.clock
        self._metrics = runtime.metrics

    async def sign_in(
        self, profile: Profile, invite_hash: bytes | None, client: ClientInfo
    ) -> SignedIn:
        """Start a session for the account of an identity, which is created if that is allowed.

        Raises SignInFailed, or AccountDisabled. An equal e-mail address never finds an account.
        """
        identity = profile.identity

        async def attempt() -> SessionCaller | None:
            login = await identities.find_identity(self._db, identity, self._clock.now())
            if login is None:
                return None
            with suppress(NotFound):  # it is disabled at this moment
                if not login.disabled:
                    return await self._sessions.start_session(
                        login.user_id, login.password_hash, client
                    )
            self.refuse("disabled", login.username)
            await audit.record_refused_login(self._db, login.user_id, "disabled")
            raise AccountDisabled("This account is disabled; ask an administrator.")

        caller = await against_current_password(attempt)
        joined = None
        if caller is None:
            joined = await self._register(profile, invite_hash)
            caller = await against_current_password(attempt)
        if caller is None:
            raise SignInFailed("provider")
        log_security(
            "signed in by a provider", account=caller.user.username, provider=identity.provider
        )
        return SignedIn(caller, joined)

    async def link(self, flow: OAuthFlow, identity: Identity) -> None:
        """Link an identity to the user whose session asked for it; raises SignInFailed."""
        now = self._clock.now()
        new = new_id(int(now.timestamp() * 1000))
        try:
            await identities.link_identity(self._db, flow, new, identity, MAX_IDENTITIES, now)
        except NotFound:
            raise SignInFailed("session_ended") from None
        except Forbidden:
            raise SignInFailed("many_identities") from None
        except Conflict:
            log_security(
                "link refused", refused=True, by=str(flow.user_id), provider=identity.provider
            )
            raise SignInFailed("other_account") from None
        log_security("identity linked", by=str(flow.user_id), provider=identity.provider)

    async def list_identities(self, caller: Caller) -> LinkedIdentities:
        """Return the caller's identities, and whether the caller has a password."""
        return LinkedIdentities(
            await identities.list_identities(self._db, caller.user.id),
            bool(await accounts.show_password(self._db, caller.user.id)),
        )

    async def unlink_identity(self, caller: Caller, identity_id: UUID) -> None:
        """Remove one of the caller's identities, unless nothing else signs the caller in."""
        provider = await identities.unlink_identity(self._db, caller.user.id, identity_id)
        log_security("identity unlinked", account=caller.user.username, provider=provider)

    def refuse(self, reason: str, account: str | None = None) -> None:
        """Count and log a sign-in that is refused."""
        self._metrics.logins.labels("disabled" if reason == "disabled" else "refused").inc()
        log_security("login refused", refused=True, account=account, reason=reason)

    async def _register(self, profile: Profile, invite_hash: bytes | None) -> UUID | None:
        """Create an account if that is allowed; return the conversation that it joins."""
        if self._mode == "closed":
            raise SignInFailed("registration_closed")
        if self._mode == "invite" and invite_hash is None:
            raise SignInFailed("invite_needed")
        for username in _usernames(profile):
            try:
                events = await self._try_register(profile, username, invite_hash)
            except (Conflict, ValidationFailed):
                continue  # the name is taken or looks like another one
            except (NotFound, Gone):
                raise SignInFailed("invite_ended") from None
            except Forbidden:
                raise SignInFailed("invite_other_email") from None
            log_security("account registered", account=username, provider=profile.identity.provider)
            if not events:
                return None
            self._hub.publish(events[0].conversation_id, events)
            self._access.publish_memberships(events)
            return events[0].conversation_id
        return None

    async def _try_register(
        self, profile: Profile, username: str, invite_hash: bytes | None
    ) -> list[EventRecord]:
        now = self._clock.now()
        display_name, display_skeletons = _display_name(profile)
        account = NewIdentityAccount(
            id=new_id(int(now.timestamp() * 1000)),
            username=username,
            email=_email(profile),
            display_name=display_name,
            username_skeletons=names.username_skeletons(username),
            display_skeletons=display_skeletons,
            identity_id=new_id(int(now.timestamp() * 1000)),
            identity=profile.identity,
        )
        return await identities.register_identity(self._db, account, invite_hash, now)


def _usernames(profile: Profile) -> Iterator[str]:
    """Yield user names to try: the provider's, with a number, then random ones."""
    base = _as_username(profile.username) or _as_username(profile.name)
    if base:
        yield base
        yield from (f"{base[: text_rules.USERNAME_MAX - 2]}-{n}" for n in range(2, 2 + _NUMBERED))
    yield from (f"user-{secrets.token_hex(4)}" for _ in range(_RANDOM))


def _as_username(text: str | None) -> str | None:
    """Return what is left of a text in the form of a user name, if that is a name."""
    words = (text or "")[:256].partition("@")[0].split()
    letters = re.sub(r"[^A-Za-z0-9._-]", "", ".".join(words)).lstrip("._-")
    try:
        return text_rules.username(letters[: text_rules.USERNAME_MAX])
    except ValueError:
        return None


def _display_name(profile: Profile) -> tuple[str | None, list[str]]:
    """Return the provider's name of the person if it can be a display name, with its skeletons."""
    try:
        name = text_rules.display_name(profile.name) if profile.name else None
        return name, names.display_name_skeletons(name)
    except (ValueError, ValidationFailed):
        return None, []


def _email(profile: Profile) -> str | None:
    try:
        return text_rules.email(profile.email) if profile.email else None
    except ValueError:
        return None
