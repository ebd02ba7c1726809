"""People and their sessions. No passwords and no tokens: those never take this form."""

from datetime import datetime
from uuid import UUID

from rustygpt_shared.models import Model
from rustygpt_shared.models.presence import Status


class User(Model, frozen=True):
    """An account as its owner and administrators see it."""

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
    """A person found by a search."""

    presence: Status


class Session(Model, frozen=True):
    """A login and when it ends."""

    id: UUID
    issued_at: datetime
    expires_at: datetime
    """End of the idle window, never past the absolute end."""
    absolute_expires_at: datetime


class OwnSession(Session, frozen=True):
    """A login in its owner's list."""

    last_seen_at: datetime | None = None
    user_agent: str | None = None
    address: str | None = None
    current: bool = False


class SetupStatus(Model, frozen=True):
    """Whether the first administrator exists."""

    is_setup: bool


class UserResponse(Model, frozen=True):
    """One account."""

    user: User


class Me(Model, frozen=True):
    """Who the caller is, and by which session."""

    user: User
    session: Session | None = None


class LoginResponse(Model, frozen=True):
    """The answer to a login and to a refresh."""

    user: User
    session: Session
    csrf_token: str


class SessionList(Model, frozen=True):
    """One's own live sessions, newest first."""

    sessions: list[OwnSession]


class UserSearchResults(Model, frozen=True):
    """People found by a search."""

    users: list[UserSearchResult]


class AdminUserList(Model, frozen=True):
    """Accounts, by user name."""

    users: list[AdminUser]
    next_cursor: str | None = None


class Ok(Model, frozen=True):
    """A request that has nothing else to tell."""

    ok: bool
