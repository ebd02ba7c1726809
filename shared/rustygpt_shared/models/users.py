"""Accounts and their sessions, without passwords and tokens."""

from datetime import datetime
from uuid import UUID

from rustygpt_shared.models import Model
from rustygpt_shared.models.presence import Status
from rustygpt_shared.settings import RegistrationMode


class User(Model, frozen=True):
    """An account as its owner sees it."""

    id: UUID
    email: str
    username: str
    roles: list[str]
    """Global roles, sorted: any of `admin`, `member`, `read_only`."""
    display_name: str | None = None


class AdminUser(User, frozen=True):
    """An account as administrators see it."""

    created_at: datetime | None = None
    disabled_at: datetime | None = None


class PublicUser(Model, frozen=True):
    """An account as other people see it; it has no e-mail address."""

    id: UUID
    username: str
    display_name: str | None = None


class UserSearchResult(PublicUser, frozen=True, kw_only=True):
    """An account in the results of a search."""

    presence: Status


class Session(Model, frozen=True):
    """A login session and when it ends."""

    id: UUID
    issued_at: datetime
    expires_at: datetime
    """When the session ends without use; never later than `absolute_expires_at`."""
    absolute_expires_at: datetime


class OwnSession(Session, frozen=True):
    """A session in its owner's list."""

    last_seen_at: datetime | None = None
    user_agent: str | None = None
    address: str | None = None
    current: bool = False


class SetupStatus(Model, frozen=True):
    """The state of set-up: `is_setup` is true once the first administrator exists.

    `registration` says who may register: nobody (`closed`), who has an invite, or everybody.
    """

    is_setup: bool
    registration: RegistrationMode


class UserResponse(Model, frozen=True):
    """One account."""

    user: User


class Me(Model, frozen=True):
    """The caller's account, and the session of a caller who has one."""

    user: User
    session: Session | None = None


class LoginResponse(Model, frozen=True):
    """The response to a login, a refresh and a change of the password."""

    user: User
    session: Session
    csrf_token: str


class SessionList(Model, frozen=True):
    """The caller's live sessions, newest first."""

    sessions: list[OwnSession]


class UserSearchResults(Model, frozen=True):
    """The results of a search for accounts."""

    users: list[UserSearchResult]


class AdminUserList(Model, frozen=True):
    """A page of all accounts, sorted by user name."""

    users: list[AdminUser]
    next_cursor: str | None = None


class Ok(Model, frozen=True):
    """The response to a request that returns nothing else."""

    ok: bool
