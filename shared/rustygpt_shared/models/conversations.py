"""Conversations, their participants, and their lists of threads."""

from datetime import datetime
from typing import Final
from uuid import UUID

from rustygpt_shared.models import Model
from rustygpt_shared.models.presence import Status

UNREAD_MAX: Final = 1_000
"""Counts of unread messages stop here; the database's procedures have the same limit."""


def unread_label(count: int) -> str:
    """Return an unread count for a person: `1000+` stands for `UNREAD_MAX` or more."""
    return f"{UNREAD_MAX}+" if count >= UNREAD_MAX else str(count)


class Conversation(Model, frozen=True):
    """A conversation as one of its participants sees it (the reader)."""

    id: UUID
    title: str
    is_group: bool
    role: str
    """The reader's own role: `owner`, `admin`, `member` or `viewer`."""
    unread: int
    """The reader's unread messages in all threads, at most `UNREAD_MAX`."""
    last_activity_at: datetime
    participant_count: int
    assistant_mode: str
    """`always`, `mention` or `off`."""
    created_at: datetime
    last_message_excerpt: str | None = None
    model: str | None = None
    system_prompt: str | None = None
    """Only for owners and administrators of the conversation."""
    archived_at: datetime | None = None
    last_event_id: str | None = None
    """The position at which the data was read; not in events."""


class ConversationList(Model, frozen=True):
    """A page of the reader's conversations, latest activity first."""

    conversations: list[Conversation]
    next_cursor: str | None = None


class ConversationCreated(Model, frozen=True):
    """The id of a new conversation."""

    conversation_id: UUID


class ConversationInfo(Model, frozen=True):
    """The part of a conversation that is the same for all participants, as events carry it."""

    id: UUID
    title: str
    is_group: bool
    assistant_mode: str
    created_at: datetime
    model: str | None = None
    archived_at: datetime | None = None


class Participant(Model, frozen=True):
    """A user in a conversation."""

    user_id: UUID
    username: str
    role: str
    joined_at: datetime
    display_name: str | None = None


class ParticipantWithPresence(Participant, frozen=True, kw_only=True):
    """A participant in the list of a conversation's participants."""

    presence: Status


class ParticipantList(Model, frozen=True):
    """The active participants, sorted by user name."""

    participants: list[ParticipantWithPresence]
    last_event_id: str | None = None


class ThreadInfo(Model, frozen=True):
    """The part of a thread's summary that is the same for all participants, as events carry it."""

    root_id: UUID
    root_excerpt: str
    """At most 240 characters."""
    root_author: UUID | None
    created_at: datetime
    last_activity_at: datetime
    message_count: int
    participant_count: int


class ThreadSummary(ThreadInfo, frozen=True, kw_only=True):
    """A thread in a reader's list, with the reader's unread count and read marker."""

    unread: int
    read_seq: int
    """Everything up to this `seq` is read."""


class ThreadList(Model, frozen=True):
    """A page of a conversation's threads, latest activity first."""

    threads: list[ThreadSummary]
    last_event_id: str
    next_cursor: str | None = None


class FirstUnread(Model, frozen=True):
    """The first unread message of a thread in reading order."""

    message_id: UUID
    path: str


class ThreadUnread(Model, frozen=True):
    """The number of messages in a thread that the reader has not read, at most `UNREAD_MAX`."""

    root_id: UUID
    unread: int
    read_seq: int
    """Everything up to this `seq` is read."""
    first_unread: FirstUnread | None = None


class UnreadList(Model, frozen=True):
    """The threads of a conversation that have unread messages."""

    threads: list[ThreadUnread]
    last_event_id: str
