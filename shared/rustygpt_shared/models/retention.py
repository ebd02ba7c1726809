"""Retention: for how many days texts, events and audit entries are kept."""

from uuid import UUID

from rustygpt_shared.models import Model


class ConversationRetention(Model, frozen=True):
    """The retention of one conversation; a value that is `null` is that of the server."""

    conversation_id: UUID
    messages_days: int | None
    deleted_messages_days: int | None


class ExpiredCounts(Model, frozen=True):
    """How much is older than a retention permits; each number is at most 1,000,000."""

    messages: int
    deleted_messages: int
    """Deleted messages whose text is still kept."""
    events: int
    audit_entries: int


class Retention(Model, frozen=True, kw_only=True):
    """For how many days the server keeps things; `null` is for ever."""

    messages_days: int | None
    """Since a message was written; its place in the thread stays, without its text."""
    deleted_messages_days: int | None
    """Since a message was deleted; until then it can be restored."""
    events_days: int | None
    """Besides `sse.persistence.retention_hours`: the shorter time holds."""
    audit_days: int | None
    """At least 30."""
    conversations: list[ConversationRetention]
    """Those with a retention of their own, by id."""
    expired: ExpiredCounts | None = None
    """What this retention deletes; present in the response to a dry run only."""
    next_cursor: str | None = None
    """For more conversations."""
