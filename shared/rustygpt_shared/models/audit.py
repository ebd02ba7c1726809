"""The audit log: who did what to whom, when and from where; never the text of a message."""

from datetime import datetime
from typing import Any, Literal, get_args
from uuid import UUID

from rustygpt_shared.models import Model

AuditAction = Literal[
    "server.set_up",
    "account.created",
    "account.registered",
    "account.disabled",
    "account.enabled",
    "account.roles_changed",
    "account.password_set",
    "account.password_changed",
    "account.email_changed",
    "account.sessions_ended",
    "session.started",
    "session.ended",
    "login.refused",
    "identity.linked",
    "identity.unlinked",
    "device.approved",
    "device.denied",
    "token.created",
    "token.revoked",
    "conversation.created",
    "conversation.updated",
    "conversation.deleted",
    "conversation.exported",
    "conversation.imported",
    "participant.added",
    "participant.role_changed",
    "participant.removed",
    "invite.created",
    "invite.accepted",
    "invite.revoked",
    "message.edited",
    "message.deleted",
    "message.restored",
    "limit_profile.created",
    "limit_profile.updated",
    "limit_profile.deleted",
    "limit_assignment.created",
    "limit_assignment.deleted",
    "retention.changed",
    "backup.created",
    "backup.restored",
]
"""What was done: a topic and a past participle. `message.edited` is an edit of a message by another
user than its author."""

AUDIT_ACTIONS: tuple[AuditAction, ...] = get_args(AuditAction)


class AuditEntry(Model, frozen=True, kw_only=True):
    """One entry of the audit log."""

    number: int
    """Increases with the entries, with gaps."""
    created_at: datetime
    """By the clock of the database."""
    action: str
    """An `AuditAction`; a later version may know more."""
    actor_id: UUID | None = None
    """Who did it; absent for the server itself and for who was refused a login."""
    actor_name: str | None = None
    """The actor's user name at that time."""
    address: str | None = None
    """The address of the actor's client."""
    target_kind: str | None = None
    """What it was done to: `account`, `session`, `token`, `conversation` and so on."""
    target_id: UUID | None = None
    target_name: str | None = None
    """The user name of an account, or the name of a limit, at that time."""
    conversation_id: UUID | None = None
    details: dict[str, Any] | None = None
    """Roles, scopes and settings that were given; no text of messages and no secret."""


class AuditPage(Model, frozen=True):
    """A page of the audit log, latest entries first."""

    entries: list[AuditEntry]
    next_cursor: str | None = None
