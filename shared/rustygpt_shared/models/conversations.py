"""Conversations, who is in them, and their lists of threads."""

from datetime import datetime
from uuid import UUID

from rustygpt_shared.models import Model
from rustygpt_shared.models.presence import Status

UNREAD_MAX = 1_000
"""Counts of unread messages stop here; the database's procedures have the same limit."""


class Conversation(Model, frozen=True):
    """A conversation as one of its participants sees it."""

    id: UUID
    title: str
    is_group: bool
    role: str
    """The reader's own role: `owner`, `admin`, `member` or `viewer`."""
    unread: int
    """Unread messages over all threads, at most 1,000."""
    last_activity_at: datetime
    participant_count: int
    assistant_mode: str
    """`always`, `mention` or `off`."""
    created_at: datetime
    last_message_excerpt: str | None = None
    model: str | None = None
    system_prompt: str | None = None
    archived_at: datetime | None = None
    last_event_id: str | None = None
    """Read before the data; only in the answer for one conversation."""


class ConversationList(Model, frozen=True):
    """Conversations, latest activity first."""

    conversations: list[Conversation]
    next_cursor: str | None = None


class ConversationCreated(Model, frozen=True):
    """The id of a new conversation."""

    conversation_id: UUID


class ConversationInfo(Model, frozen=True):
    """A conversation as all its readers see it alike: what events carry."""

    id: UUID
    title: str
    is_group: bool
    assistant_mode: str
    created_at: datetime
    model: str | None = None
    system_prompt: str | None = None
    archived_at: datetime | None = None


class Participant(Model, frozen=True):
    """A person in a conversation."""

    user_id: UUID
    username: str
    role: str
    joined_at: datetime
    display_name: str | None = None


class ParticipantWithPresence(Participant, frozen=True, kw_only=True):
    """A person in the list of a conversation's participants."""

    presence: Status


class ParticipantList(Model, frozen=True):
    """Active participants, by user name."""

    participants: list[ParticipantWithPresence]
    last_event_id: str | None = None


class ThreadInfo(Model, frozen=True):
    """A thread's summary as all readers see it alike: what events carry."""

    root_id: UUID
    root_excerpt: str
    """At most 240 characters."""
    root_author: UUID | None
    created_at: datetime
    last_activity_at: datetime
    message_count: int
    participant_count: int


class ThreadSummary(ThreadInfo, frozen=True, kw_only=True):
    """A thread in a reader's list."""

    unread: int


class ThreadList(Model, frozen=True):
    """Threads of a conversation, latest activity first."""

    threads: list[ThreadSummary]
    last_event_id: str
    next_cursor: str | None = None


class ThreadUnread(Model, frozen=True):
    """How many messages of a thread the reader has not read, at most 1,000."""

    root_id: UUID
    unread: int


class UnreadList(Model, frozen=True):
    """Threads of a conversation that have unread messages."""

    threads: list[ThreadUnread]
    last_event_id: str
