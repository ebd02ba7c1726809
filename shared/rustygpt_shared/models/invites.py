"""Invites to conversations."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from rustygpt_shared.models import Model

InviteState = Literal["live", "used", "revoked", "expired"]


class Invite(Model, frozen=True, kw_only=True):
    """An invite in the list of a conversation, without its token."""

    id: UUID
    email: str | None = None
    """Whose account may accept it; None: any account of who has the token."""
    role: str
    state: InviteState
    created_by: UUID
    created_at: datetime
    expires_at: datetime
    used_by: UUID | None = None
    used_at: datetime | None = None


class CreatedInvite(Model, frozen=True):
    """A new invite; `token` is the secret, which the server shows only here."""

    token: str
    expires_at: datetime
    invite_id: UUID


class InviteList(Model, frozen=True):
    """A page of a conversation's invites, newest first; ended ones are listed for 30 days."""

    invites: list[Invite]
    next_cursor: str | None = None


class AcceptedInvite(Model, frozen=True):
    """The conversation that the caller has joined, and the caller's role in it."""

    conversation_id: UUID
    role: str
