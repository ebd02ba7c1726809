"""Who makes a request: the caller of a session or of a personal token, and the client.

How a caller is authenticated belongs to `sessions` and `tokens`.
"""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from rustygpt_server.errors import Forbidden, InsufficientScope
from rustygpt_shared.models.tokens import Scope
from rustygpt_shared.models.users import Session, User


class ClientInfo(Struct, frozen=True):
    """The client that a request comes from."""

    address: str
    user_agent: str | None


class Caller(Struct, frozen=True):
    """An authenticated caller."""

    user: User
    credential_id: UUID
    """The id of the session or of the personal token."""
    ends_at: datetime | None
    """When the session or the token ends at the latest; None for a token without an end."""
    generation: int = 0
    """How many password changes have replaced all tokens of the session."""

    def check_scope(self, required: Scope | None) -> None:
        """Raise Forbidden if the caller may not use routes of a scope; None: no token may."""


class TokenCaller(Caller, frozen=True, kw_only=True):
    """A caller with a personal token."""

    scopes: frozenset[Scope]

    def check_scope(self, required: Scope | None) -> None:
        """Raise Forbidden if the token lacks a scope, or no token may do this."""
        if required is None:
            raise Forbidden("A personal token cannot do this; sign in with the password instead.")
        if required not in self.scopes:
            raise InsufficientScope(required)


class SessionCaller(Caller, frozen=True, kw_only=True):
    """A caller with a session."""

    session: Session
    token: str
    """The token that the request came with."""
    new_token: str | None = None
    """The token that the client has to use from now on, if it changed."""


def session_caller(
    user: User, session: Session, token: str, generation: int, new_token: str | None = None
) -> SessionCaller:
    """Return the caller of a session."""
    return SessionCaller(
        user,
        session.id,
        session.absolute_expires_at,
        generation,
        session=session,
        token=token,
        new_token=new_token,
    )
