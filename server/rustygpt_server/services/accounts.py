"""Accounts: set-up, the caller's own account, user search, and administration."""

import hmac
from datetime import datetime
from uuid import UUID

from msgspec import structs

from rustygpt_server.clock import Clock
from rustygpt_server.db import accounts
from rustygpt_server.db.access_changes import AccessChange, ChangeKind
from rustygpt_server.db.accounts import NewAccount
from rustygpt_server.db.database import Database
from rustygpt_server.errors import Forbidden, NotSignedIn
from rustygpt_server.services.access import AccessMonitor
from rustygpt_server.services.passwords import Passwords
from rustygpt_server.services.presence import PresenceService
from rustygpt_server.services.sessions import Caller
from rustygpt_shared import problems, requests
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
        """Create the first administrator; a remote caller needs the token, or gets Forbidden."""
        given_token = (request.setup_token or "").encode()
        setup_token = (self._setup_token or "\0").encode()  # a request cannot contain NUL
        if not is_local and not hmac.compare_digest(given_token, setup_token):
            raise Forbidden(
                "Setting up from another machine needs the set-up token that the server printed "
                "when it started."
            )
        now = self._clock.now()
        return await accounts.set_up(self._db, await self._new_account(request, now), now)

    async def update_me(self, caller: Caller, changes: requests.UpdateMe) -> User:
        """Change the caller's account."""
        user = await accounts.update_me(self._db, caller.user.id, changes)
        self._access.publish(AccessChange("account_changed", user.id))
        return user

    async def change_password(self, caller: Caller, request: requests.ChangePassword) -> None:
        """Change the caller's password, and end all other sessions of the caller.

        Raises NotSignedIn if the current password is wrong.
        """
        stored = await accounts.show_password(self._db, caller.user.id)
        if not await self._passwords.check(stored, request.current_password):
            raise NotSignedIn("The current password is wrong.", problems.INVALID_CREDENTIALS)
        ended_sessions = await accounts.change_password(
            self._db,
            caller.user.id,
            await self._passwords.hash(request.new_password),
            caller.session.id,
            self._clock.now(),
        )
        self._access.publish_ended_sessions(ended_sessions, caller.user.id)
        self._access.publish(AccessChange("account_changed", caller.user.id))

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
        new_account = await self._new_account(request, now)
        return await accounts.create_user(self._db, actor, new_account, roles, now)

    async def update_user(
        self, actor: UUID, user_id: UUID, changes: requests.UpdateUser
    ) -> AdminUser:
        """Change an account; for administrators. Streams of sessions that end are closed."""
        password = changes.password
        changed = await accounts.update_user(
            self._db,
            actor,
            user_id,
            disabled=changes.disabled,
            roles=list(changes.roles) if changes.roles is not None else None,
            password_hash=await self._passwords.hash(password) if password else None,
            now=self._clock.now(),
        )
        kind: ChangeKind = "disabled" if changes.disabled else "session_ended"
        self._access.publish_ended_sessions(changed.ended_sessions, user_id, kind)
        self._access.publish(AccessChange("account_changed", user_id))
        return changed.user

    async def _new_account(
        self, request: requests.SetUp | requests.CreateUser, now: datetime
    ) -> NewAccount:
        return NewAccount(
            id=new_id(int(now.timestamp() * 1000)),
            username=request.username,
            email=request.email,
            password_hash=await self._passwords.hash(request.password),
            display_name=request.display_name,
        )
