"""Accounts: set-up, the caller's own account, user search, and administration."""

import hmac
from datetime import datetime
from uuid import UUID

from msgspec import UNSET, structs

from rustygpt_server.clock import Clock
from rustygpt_server.db import accounts
from rustygpt_server.db.access_changes import AccessChange, ChangeKind
from rustygpt_server.db.accounts import NewAccount
from rustygpt_server.db.database import Database
from rustygpt_server.errors import Conflict, Forbidden
from rustygpt_server.services import names
from rustygpt_server.services.access import AccessMonitor
from rustygpt_server.services.callers import Caller
from rustygpt_server.services.passwords import Passwords, against_current_password
from rustygpt_server.services.presence import PresenceService
from rustygpt_server.telemetry import log_security
from rustygpt_shared import requests
from rustygpt_shared.ids import new_id
from rustygpt_shared.models.users import AdminUser, User, UserSearchResult


class Accounts:
    """The accounts of one server."""

    def __init__(
        self,
        db: Database,
        passwords: Passwords,
        access: AccessMonitor,
        presence: PresenceService,
        clock: Clock,
        setup_token: str | None,
    ) -> None:
        self._db = db
        self._passwords = passwords
        self._access = access
        self._presence = presence
        self._clock = clock
        self._setup_token = setup_token

    async def is_setup(self) -> bool:
        """Return True if the first administrator exists."""
        return await accounts.is_setup(self._db)

    async def set_up(self, request: requests.SetUp, *, is_local: bool) -> User:
        """Create the first administrator; a remote caller needs the token, or gets Forbidden.

        Raises Conflict, without hashing the password, when there is one already.
        """
        given_token = (request.setup_token or "").encode()
        setup_token = (self._setup_token or "\0").encode()  # a request cannot contain NUL
        if not is_local and not hmac.compare_digest(given_token, setup_token):
            log_security("set-up refused", refused=True, account=None)
            raise Forbidden(
                "Setting up from another machine, through a proxy or by another name than "
                "localhost needs the set-up token that the server printed when it started."
            )
        if await accounts.is_setup(self._db):
            raise Conflict("This server is set up already; log in instead.")
        now = self._clock.now()
        user = await accounts.set_up(self._db, await self.new_account(request, now), now)
        log_security("server set up", account=user.username)
        return user

    async def update_me(self, caller: Caller, changes: requests.UpdateMe) -> User:
        """Change the caller's account.

        Raises NotSignedIn if the current password is needed and wrong.
        """
        user = await against_current_password(lambda: self._try_update_me(caller, changes))
        self._access.publish(AccessChange("account_changed", user.id))
        return user

    async def _try_update_me(self, caller: Caller, changes: requests.UpdateMe) -> User:
        checked_hash = None
        if changes.current_password is not None:
            checked_hash = await accounts.show_password(self._db, caller.user.id)
            await self._passwords.verify(caller.user, checked_hash, changes.current_password)
        display_name = None if changes.display_name is UNSET else changes.display_name
        return await accounts.update_me(
            self._db,
            caller.user.id,
            changes,
            checked_hash,
            names.display_name_skeletons(display_name),
        )

    async def search_users(self, actor: UUID, query: str, limit: int) -> list[UserSearchResult]:
        """Return users whose name starts with `query`, with their presence."""
        users = await accounts.search_users(self._db, actor, query, limit)
        statuses = await self._presence.statuses(user.id for user in users)
        return [
            UserSearchResult(**structs.asdict(user), presence=statuses[user.id]) for user in users
        ]

    async def list_users(self, actor: UUID, after: str | None, limit: int) -> list[AdminUser]:
        """Return all accounts, after a username; for administrators."""
        return await accounts.list_users(self._db, actor, after, limit)

    async def create_user(self, actor: UUID, request: requests.CreateUser) -> AdminUser:
        """Create an account; for administrators."""
        now = self._clock.now()
        roles = list(request.roles or ["member"])
        new_account = await self.new_account(request, now)
        user = await accounts.create_user(self._db, actor, new_account, roles, now)
        log_security("account created", account=user.username, by=str(actor), roles=user.roles)
        return user

    async def update_user(
        self, actor: UUID, user_id: UUID, changes: requests.UpdateUser
    ) -> AdminUser:
        """Change an account; for administrators. Streams of sessions that end are closed.

        With a new password, no process accepts an older session from then on.
        """
        password = changes.password
        password_hash = await self._passwords.hash(password) if password else None
        if password_hash:
            await self._access.bypass_caches(user_id)
        changed = await accounts.update_user(
            self._db,
            actor,
            user_id,
            disabled=changes.disabled,
            roles=list(changes.roles) if changes.roles is not None else None,
            password_hash=password_hash,
            now=self._clock.now(),
        )
        kind: ChangeKind = "disabled" if changes.disabled else "session_ended"
        self._access.publish_ended_sessions(changed.ended_sessions, user_id, kind)
        self._access.publish(AccessChange("account_changed", user_id))
        _log_changes(changed.user, actor, changes)
        return changed.user

    async def new_account(
        self, request: requests.SetUp | requests.CreateUser | requests.Register, now: datetime
    ) -> NewAccount:
        """Return an account to be created, with its password hashed.

        Raises ValidationFailed for a name that looks reserved, before anything is hashed.
        """
        username_skeletons = names.username_skeletons(request.username)
        display_skeletons = names.display_name_skeletons(request.display_name)
        return NewAccount(
            id=new_id(int(now.timestamp() * 1000)),
            username=request.username,
            email=request.email,
            password_hash=await self._passwords.hash(request.password),
            display_name=request.display_name,
            username_skeletons=username_skeletons,
            display_skeletons=display_skeletons,
        )


def _log_changes(user: AdminUser, actor: UUID, changes: requests.UpdateUser) -> None:
    """Log each thing that an administrator changed about an account."""
    if changes.disabled is not None:
        event = "account disabled" if changes.disabled else "account enabled"
        log_security(event, account=user.username, by=str(actor))
    if changes.roles is not None:
        log_security("roles changed", account=user.username, by=str(actor), roles=user.roles)
    if changes.password:
        log_security("password set", account=user.username, by=str(actor))
