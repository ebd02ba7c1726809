"""What the transcript shows, one entry a message, and where each stands in the tree.

Pure: no widget, no terminal. Depth-first order is the order of the entries. A reply stands under
what it answers without indentation as long as that has one reply only, so that a talk stays flat;
branches are indented, up to a depth that leaves room for the text.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from rustygpt_shared.models.messages import MessageView

INDENT = 2
DEEPEST_INDENT = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """A message and how it is shown; equal entries look alike."""

    message: MessageView
    author: str
    own: bool = False
    level: int = 0
    """How often the thread branched above it."""
    reply_to: str = ""
    """Whom it answers, when that is not the entry right above."""
    day: datetime | None = None
    """Set when a new day begins here."""
    new: bool = False
    """Whether the first unread message is this."""
    trouble: str = ""
    """Why an answer failed."""
    pending: bool = False
    """Not yet known to the server."""

    @property
    def id(self) -> UUID:
        """The message's id."""
        return self.message.id

    @property
    def lead(self) -> int:
        """Rows of dividers above the header."""
        return 2 * (self.day is not None) + 2 * self.new

    @property
    def indent(self) -> int:
        """Cells the entry is moved to the right."""
        return INDENT * min(self.level, DEEPEST_INDENT)


@dataclass(frozen=True, slots=True)
class Context:
    """What entries need to know beyond their messages."""

    me: UUID
    names: dict[UUID, str]
    troubles: dict[UUID, str]
    first_unread: UUID | None = None
    pending: frozenset[UUID] = frozenset()

    def author(self, message: MessageView) -> str:
        """What to call whoever wrote a message."""
        if message.role == "assistant":
            return message.model or "assistant"
        if message.role == "system":
            return "system"
        known = self.names.get(message.author_user_id) if message.author_user_id else None
        return known or message.author_name or "somebody"


def entries(messages: Iterable[MessageView], context: Context) -> list[Entry]:
    """The entries of messages that come in depth-first order."""
    shown = list(messages)
    replies = Counter(message.parent_id for message in shown if message.parent_id)
    levels: dict[UUID, int] = {}
    authors: dict[UUID, str] = {}
    found: list[Entry] = []
    above: MessageView | None = None
    for message in shown:
        parent = message.parent_id
        branches = parent is not None and replies[parent] > 1
        levels[message.id] = (levels.get(parent, 0) if parent else 0) + branches
        authors[message.id] = context.author(message)
        answered = authors.get(parent, "") if parent and above and parent != above.id else ""
        found.append(_entry(message, context, levels[message.id], answered, above))
        above = message
    return found


def _entry(
    message: MessageView, context: Context, level: int, reply_to: str, above: MessageView | None
) -> Entry:
    day = message.created_at.astimezone()
    new_day = above is None or above.created_at.astimezone().date() != day.date()
    return Entry(
        message,
        context.author(message),
        own=message.author_user_id == context.me,
        level=level,
        reply_to=reply_to,
        day=day if new_day else None,
        new=message.id == context.first_unread,
        trouble=context.troubles.get(message.id, ""),
        pending=message.id in context.pending,
    )


def position(shown: Sequence[Entry], id: UUID | None) -> int | None:
    """The place of a message among the entries."""
    return next((index for index, entry in enumerate(shown) if entry.id == id), None)
