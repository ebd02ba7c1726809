"""What the terminal knows of one conversation. Events change it in `apply`, snapshots in `load`.

A state is never changed, only replaced, and shares with its forerunner all that stayed the same.
So a widget finds out by `is` whether its own part is new. The one exception is said in `tail`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from rustygpt_shared.events import ErrorPayload
from rustygpt_shared.models.conversations import ConversationInfo, Participant, ThreadInfo
from rustygpt_shared.models.messages import MessageView
from rustygpt_shared.models.presence import Status
from rustygpt_shared.models.users import User
from rustygpt_tui.store.partial_answer import PartialAnswer
from rustygpt_tui.store.tree import MessageTree

UNREAD_MAX = 1_000
UNPLACED_MAX = 256


@dataclass(frozen=True, slots=True)
class State:
    """One conversation as `me` sees it.

    `position` is the id of the last durable event that is in it: a stream goes on from there.
    """

    me: UUID
    info: ConversationInfo
    position: str
    participants: Mapping[UUID, Participant] = field(default_factory=dict)
    threads: tuple[ThreadInfo, ...] = ()
    """Latest activity first."""
    threads_cursor: str | None = None
    """Fetches further threads; None when all are known."""
    trees: Mapping[UUID, MessageTree] = field(default_factory=dict)
    """The threads whose messages were loaded, by root."""
    unread: Mapping[UUID, int] = field(default_factory=dict)
    """By root, where it is not 0."""
    unread_as_of: int = -1
    """The number of the event up to which `unread` was fetched; later messages add to it."""
    partials: Mapping[UUID, PartialAnswer] = field(default_factory=dict)
    """Answers in progress, by message."""
    errors: Mapping[UUID, ErrorPayload] = field(default_factory=dict)
    """Why answers failed, by message, as far as this terminal was told."""
    unplaced: Mapping[UUID, tuple[MessageView, int]] = field(default_factory=dict)
    """The latest messages of threads that are not loaded, and the numbers of their events.

    A page that was asked for before such an event, and comes after it, lacks the message.
    """
    presence: Mapping[UUID, Status] = field(default_factory=dict)
    """What is shown of people, as far as it was told since the stream was opened."""
    typing: Mapping[UUID, UUID] = field(default_factory=dict)
    """In which thread others are writing, by person: as long as the server does not end it."""
    left: bool = False
    """The conversation was deleted, or the reader is no longer in it."""

    @property
    def role(self) -> str | None:
        """The reader's own role; None when not known to be in the conversation."""
        mine = self.participants.get(self.me)
        return mine.role if mine else None

    @property
    def total_unread(self) -> int:
        """Unread messages over all threads, at most 1,000."""
        return min(UNREAD_MAX, sum(self.unread.values()))

    def thread(self, root_id: UUID) -> ThreadInfo | None:
        """A thread's summary, if it is known."""
        return next((thread for thread in self.threads if thread.root_id == root_id), None)

    def message(self, id: UUID) -> MessageView | None:
        """A message of a loaded thread, if it is known."""
        return next((m for tree in self.trees.values() if (m := tree.get(id))), None)

    def text_of(self, message: MessageView) -> str:
        """A message's text as far as it is known, in progress or final."""
        tail = self.partials.get(message.id)
        if tail and message.streaming and tail.content.length > len(message.content):
            return tail.content.text
        return message.content

    def typing_users(self, root_id: UUID) -> list[UUID]:
        """Who else is writing in a thread."""
        return [user_id for user_id, root in self.typing.items() if root == root_id]

    def name_of(self, user_id: UUID | None) -> str:
        """What to call a person: display name, user name, or a word for whoever left."""
        person = self.participants.get(user_id) if user_id else None
        return (person.display_name or person.username) if person else "somebody"


@dataclass(frozen=True, slots=True)
class Changes:
    """What an event changed, for whoever shows it. `|` adds two up."""

    info: bool = False
    participants: bool = False
    threads: frozenset[UUID] = frozenset()
    """Roots whose summary or place in the list is new."""
    messages: frozenset[UUID] = frozenset()
    """Messages that are new or different."""
    threads_of_messages: frozenset[UUID] = frozenset()
    """The threads of those messages."""
    reloaded: frozenset[UUID] = frozenset()
    """Threads that were fetched anew, so that any message of theirs may be different."""
    streamed: frozenset[UUID] = frozenset()
    """Messages whose tail grew."""
    unread: frozenset[UUID] = frozenset()
    """Roots whose count of unread messages is new."""
    errors: frozenset[UUID] = frozenset()
    """Messages that there is bad news about."""
    presence: bool = False
    """Somebody's presence is new."""
    typing: frozenset[UUID] = frozenset()
    """Roots in which somebody began to write, or stopped."""
    left: bool = False
    needs_fetch: frozenset[str] = frozenset()
    """What events told too little of: `participants`, `threads`, or `all` after a reset.

    `load.complete` fetches it.
    """

    def __or__(self, other: "Changes") -> "Changes":
        return Changes(
            **{name: getattr(self, name) | getattr(other, name) for name in self.__slots__}
        )

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)


def display_name(user: User) -> str:
    """What to call the person who is signed in."""
    return user.display_name or user.username
