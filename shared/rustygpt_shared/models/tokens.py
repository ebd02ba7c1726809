"""Personal tokens, with which programs sign in as their users."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from rustygpt_shared.models import Model

Scope = Literal["read", "write", "admin", "v1"]
"""What a token permits: `read` all GETs and streams, `write` everything else in the chat, `admin`
the routes below `/api/admin`, `v1` those below `/v1`. No scope contains another one."""


class PersonalToken(Model, frozen=True, kw_only=True):
    """A personal token in its owner's list, without the token itself."""

    id: UUID
    name: str
    scopes: list[Scope]
    """Sorted."""
    created_at: datetime
    expires_at: datetime | None = None
    """None: it is valid until it is revoked."""
    last_used_at: datetime | None = None
    """Recorded at most once a minute."""


class CreatedToken(PersonalToken, frozen=True, kw_only=True):
    """A new personal token; `token` is the secret, which the server shows only here."""

    token: str


class TokenList(Model, frozen=True):
    """The caller's personal tokens, newest first; expired ones are listed for 7 days."""

    tokens: list[PersonalToken]
