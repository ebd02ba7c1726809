"""Presence and typing indicators: transient data that is sent but not logged."""

from datetime import UTC, datetime
from typing import Final, Literal
from uuid import UUID

from rustygpt_shared.models import Model

Status = Literal["online", "away", "offline"]

TYPING_STOPPED: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The `expires_at` of a user who stopped typing: in the past for every clock."""


class UserPresence(Model, frozen=True):
    """A user's presence: the declared status, lowered when heartbeats are missing."""

    user_id: UUID
    status: Status
    last_seen_at: datetime | None = None
    """Left out for a user who was never seen."""


class TypingIndicator(Model, frozen=True):
    """A user who is typing in a thread."""

    root_id: UUID
    user_id: UUID
    expires_at: datetime
    """When the indicator ends, unless it is renewed."""


class PresenceList(Model, frozen=True):
    """The presence of a conversation's participants, by user name, and who of them is typing."""

    users: list[UserPresence]
    typing: list[TypingIndicator]
    last_event_id: str
