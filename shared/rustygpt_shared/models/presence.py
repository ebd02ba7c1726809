"""Who is there, and who is writing: passing things, told but not logged."""

from datetime import UTC, datetime
from typing import Final, Literal
from uuid import UUID

from rustygpt_shared.models import Model

Status = Literal["online", "away", "offline"]

TYPING_STOPPED: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The `expires_at` of somebody who no longer writes: past by every clock, however wrong."""


class UserPresence(Model, frozen=True):
    """A person's presence as it is shown: what the person said, lowered by silence."""

    user_id: UUID
    status: Status
    last_seen_at: datetime | None = None
    """Left out for somebody who was never seen."""


class TypingIndicator(Model, frozen=True):
    """Somebody who is writing in a thread."""

    root_id: UUID
    user_id: UUID
    expires_at: datetime
    """When it is over, unless it is told again."""


class PresenceList(Model, frozen=True):
    """A conversation's participants, by user name, and who of them is writing."""

    users: list[UserPresence]
    typing: list[TypingIndicator]
    last_event_id: str
