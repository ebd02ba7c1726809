"""The state of one conversation, and the description of a change to it.

Events change a state in `apply`, snapshots in `load`. A state is never modified but replaced, and
shares with the earlier state everything that did not change, so a widget compares its part with
`is` to find out whether it is new. The only exception is the text of answers in progress
(`partial_answer`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from rustygpt_shared.events import AnswerStatusPayload
from rustygpt_shared.models.conversations import (
    UNREAD_MAX,
    ConversationInfo,
    Participant,
    ThreadInfo,
)
from rustygpt_shared.models.messages import MessageView
from rustygpt_shared.models.presence import Status
from rustygpt_shared.models.users import User
from rustygpt_tui.store.names import UNKNOWN, Names
from rustygpt_tui.store.partial_answer import PartialAnswer
from rustygpt_tui.store.reading import Reading
from rustygpt_tui.store.tree import MessageTree

UNPLACED_MAX = 256


@dataclass(frozen=True, slots=True)
class State:
    """One conversation as the user `me` sees it.

    `position` is the id of the last durable event that is applied: a stream continues after it.
    """

    me: UUID
    info: ConversationInfo
    position: str
    participants: Mapping[UUID, Participant] = field(default_factory=dict)
    """By user id."""
    threads: tuple[ThreadInfo, ...] = ()
    """Latest activity first."""
    threads_cursor: str | None = None
    """Fetches further threads; None when all are loaded."""
    trees: Mapping[UUID, MessageTree] = field(default_factory=dict)
    """The threads whose messages are loaded, by root id."""
    readings: Mapping[UUID, Reading] = field(default_factory=dict)
    """What is read of threads, by root id; threads without unread messages may be left out."""
    unread_as_of: int = -1
    """The number of the event up to which unread counts were fetched; later messages add to
    them."""
    partials: Mapping[UUID, PartialAnswer] = field(default_factory=dict)
    """The answers in progress, by message id."""
    statuses: Mapping[UUID, AnswerStatusPayload] = field(default_factory=dict)
    """The states of answers in progress, by message id."""
    unplaced: Mapping[UUID, tuple[MessageView, int]] = field(default_factory=dict)
    """The latest messages of threads that are not loaded, by id, with their event numbers.

    A page that was requested before such an event and arrives after it lacks the message.
    """
    presence: Mapping[UUID, Status] = field(default_factory=dict)
    """The presence of users, by id, as received since the stream was opened."""
    typing: Mapping[UUID, UUID] = field(default_factory=dict)
    """The root of the thread in which each other user is typing, by user id."""
    left: bool = False
    """True when the conversation was deleted or the reader is no longer a participant."""
    deleted: bool = False
    """True when the conversation was deleted."""

    @property
    def role(self) -> str | None:
        """The reader's own role; None when the reader is not among the loaded participants."""
        mine = self.participants.get(self.me)
        return mine.role if mine else None

    @property
    def total_unread(self) -> int:
        """The unread messages of all threads, at most `UNREAD_MAX`."""
        return min(UNREAD_MAX, sum(reading.count for reading in self.readings.values()))

    def unread(self, root_id: UUID) -> int:
        """Return the number of unread messages of a thread, at most `UNREAD_MAX`."""
        reading = self.readings.get(root_id)
        return reading.count if reading else 0

    def thread(self, root_id: UUID) -> ThreadInfo | None:
        """Return a thread's summary, or None when it is not loaded."""
        return next((thread for thread in self.threads if thread.root_id == root_id), None)

    def message(self, id: UUID) -> MessageView | None:
        """Return a message of a loaded thread, or None."""
        return next((m for tree in self.trees.values() if (m := tree.get(id))), None)

    def text_of(self, message: MessageView) -> str:
        """Return a message's text: the text so far while it streams, else the final text."""
        partial = self.partials.get(message.id)
        if partial and message.streaming and partial.content.length > len(message.content):
            return partial.content.text
        return message.content

    def reasoning_of(self, message: MessageView) -> str:
        """Return a message's reasoning: the one so far while it streams, else the final one."""
        partial = self.partials.get(message.id)
        final = message.reasoning or ""
        if partial and message.streaming and partial.reasoning.length > len(final):
            return partial.reasoning.text
        return final

    def typing_users(self, root_id: UUID) -> list[UUID]:
        """Return the other users who are typing in a thread."""
        return [user_id for user_id, root in self.typing.items() if root == root_id]

    def name_of(self, user_id: UUID | None) -> str:
        """Return the label of a user; "somebody" for users who left."""
        label = self.names().labels.get(user_id) if user_id else None
        return label or UNKNOWN

    def names(self) -> Names:
        """Return the labels of all participants."""
        return Names(self.participants.values())


@dataclass(frozen=True, slots=True)
class Changes:
    """What an event changed, for the widgets that show it; `|` combines two."""

    info: bool = False
    participants: bool = False
    threads: frozenset[UUID] = frozenset()
    """Roots whose summary, or position in the list, changed."""
    messages: frozenset[UUID] = frozenset()
    """Messages that are new or changed."""
    threads_of_messages: frozenset[UUID] = frozenset()
    """The threads of those messages."""
    reloaded: frozenset[UUID] = frozenset()
    """Threads whose messages were dropped: they have to be fetched again to be shown."""
    streamed: frozenset[UUID] = frozenset()
    """Messages whose streamed text grew."""
    statuses: frozenset[UUID] = frozenset()
    """Answers in progress whose place in the queue, or whose state, changed."""
    unread: frozenset[UUID] = frozenset()
    """Roots whose unread count changed."""
    presence: bool = False
    """True when the presence of any user changed."""
    typing: frozenset[UUID] = frozenset()
    """Roots in which a user started or stopped typing."""
    left: bool = False
    needs_fetch: frozenset[str] = frozenset()
    """What events do not contain and has to be fetched with `load.fetch_missing`:
    `participants`, `threads`, or `all` after a reset or a gap."""

    def __or__(self, other: "Changes") -> "Changes":
        return Changes(
            **{name: getattr(self, name) | getattr(other, name) for name in self.__slots__}
        )

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)


def display_name(user: User) -> str:
    """Return the name to show for the signed-in user."""
    return user.display_name or user.username
