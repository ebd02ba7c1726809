"""People: set-up, one's own account, the search for people, administration of accounts."""

import hmac
from datetime import datetime
from uuid import UUID

from msgspec import structs

from rustygpt_server.clock import Clock
from rustygpt_server.db import accounts
from rustygpt_server.db.accounts import Newcomer
from rustygpt_server.db.controls import Control, Kind
from rustygpt_server.db.database import Database
from rustygpt_server.errors import Forbidden, NotSignedIn
from rustygpt_server.services.passwords import Passwords
from rustygpt_server.services.presence import Presence
from rustygpt_server.services.rights import Rights
from rustygpt_server.services.sessions import Signed
from rustygpt_shared import problems, requests
from rustygpt_shared.ids import new_id
from rustygpt_shared.models.users import AdminUser, FoundPerson, User


class Accounts:
    """The people of one server."""

    def __init__(
        self,
        db: Database,
        passwords: Passwords,
        rights: Rights,
        presence: Presence,
        clock: Clock,
        setup_token: str | None,
    ) -> None:
        self._db = db
        self._passwords = passwords
        self._rights = rights
        self._presence = presence
        self._clock = clock
        self._setup_token = setup_token

    async def is_setup(self) -> bool:
        """Whether the first administrator exists."""
        return await accounts.is_setup(self._db)

    async def set_up(self, wanted: requests.SetUp, *, from_here: bool) -> User:
        """Make the first administrator; from another machine only with the printed token."""
        given = (wanted.setup_token or "").encode()
        if not from_here and not hmac.compare_digest(given, (self._setup_token or "\0").encode()):
            raise Forbidden(
                "Setting up from another machine needs the set-up token that the server printed "
                "when it started."
            )
        now = self._clock.now()
        return await accounts.set_up(self._db, await self._newcomer(wanted, now), now)

    async def update_me(self, signed: Signed, changes: requests.UpdateMe) -> User:
        """Change one's own account."""
        user = await accounts.update_me(self._db, signed.user.id, changes)
        self._rights.tell(Control("account_changed", user.id))
        return user

    async def change_password(self, signed: Signed, wanted: requests.ChangePassword) -> None:
        """Change one's own password; all other sessions and their streams end."""
        stored = await accounts.show_password(self._db, signed.user.id)
        if not await self._passwords.check(stored, wanted.current_password):
            raise NotSignedIn("The current password is wrong.", problems.INVALID_CREDENTIALS)
        ended = await accounts.change_password(
            self._db,
            signed.user.id,
            await self._passwords.hash(wanted.new_password),
            signed.session.id,
            self._clock.now(),
        )
        self._rights.tell_ended(ended, signed.user.id)
        self._rights.tell(Control("account_changed", signed.user.id))

    async def search_users(self, actor: UUID, query: str, limit: int) -> list[FoundPerson]:
        """People whose name starts so."""
        found = await accounts.search_users(self._db, actor, query, limit)
        shown = await self._presence.statuses(one.id for one in found)
        return [FoundPerson(**structs.asdict(one), presence=shown[one.id]) for one in found]

    async def list_users(self, actor: UUID, after: str | None, limit: int) -> list[AdminUser]:
        """All accounts, for administrators."""
        return await accounts.list_users(self._db, actor, after, limit)

    async def create_user(self, actor: UUID, wanted: requests.CreateUser) -> AdminUser:
        """Make an account, as an administrator."""
        now = self._clock.now()
        roles = list(wanted.roles or ["member"])
        newcomer = await self._newcomer(wanted, now)
        return await accounts.create_user(self._db, actor, newcomer, roles, now)

    async def update_user(
        self, actor: UUID, user_id: UUID, changes: requests.UpdateUser
    ) -> AdminUser:
        """Change an account, as an administrator; sessions that end by it close their streams."""
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
        kind: Kind = "disabled" if changes.disabled else "session_ended"
        self._rights.tell_ended(changed.ended, user_id, kind)
        self._rights.tell(Control("account_changed", user_id))
        return changed.user

    async def _newcomer(
        self, wanted: requests.SetUp | requests.CreateUser, now: datetime
    ) -> Newcomer:
        return Newcomer(
            id=new_id(int(now.timestamp() * 1000)),
            username=wanted.username,
            email=wanted.email,
            password_hash=await self._passwords.hash(wanted.password),
            display_name=wanted.display_name,
        )
