"""What the transcript shows, one entry a message, and where each stands in the tree.

Pure: no widget, no terminal. Depth-first order is the order of the entries. A reply stands under
what it answers without indentation as long as that has one reply only, so that a talk stays flat;
branches are indented, up to a depth that leaves room for the text.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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
    branch_level: int = 0
    """How often the thread branched above it."""
    reply_to: str = ""
    """Whom it answers, when that is not the entry right above."""
    day: datetime | None = None
    """Set when a new day begins here."""
    first_unread: bool = False
    """Whether the first unread message is this."""
    error: str = ""
    """Why an answer failed."""
    pending: bool = False
    """Not yet known to the server."""

    @property
    def id(self) -> UUID:
        """The message's id."""
        return self.message.id

    @property
    def divider_rows(self) -> int:
        """Rows of dividers above the header."""
        return 2 * (self.day is not None) + 2 * self.first_unread

    @property
    def indent(self) -> int:
        """Cells the entry is moved to the right."""
        return INDENT * min(self.branch_level, DEEPEST_INDENT)


@dataclass(frozen=True, slots=True)
class EntryContext:
    """What entries need to know beyond their messages."""

    me: UUID
    names: dict[UUID, str]
    errors: dict[UUID, str]
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


def entries(messages: Iterable[MessageView], context: EntryContext) -> list[Entry]:
    """The entries of messages that come in depth-first order."""
    shown = list(messages)
    replies = Counter(message.parent_id for message in shown)
    levels: dict[UUID, int] = {}
    authors: dict[UUID, str] = {}
    days = DayDivider()
    found: list[Entry] = []
    above: MessageView | None = None
    for message in shown:
        parent = message.parent_id
        level = levels.get(parent, 0) + (replies[parent] > 1) if parent else 0
        levels[message.id], authors[message.id] = level, context.author(message)
        answered = authors.get(parent, "") if parent else ""
        found.append(entry(message, above, level, answered, context, days))
        above = message
    return found


def entry(
    message: MessageView,
    above: MessageView | None,
    branch_level: int,
    parent_author: str,
    context: EntryContext,
    day_divider: "DayDivider",
) -> Entry:
    """The entry of a message that stands below another; `answered` wrote what it answers."""
    own_id = message.id
    said = parent_author if above and message.parent_id != above.id else ""
    return Entry(
        message,
        context.author(message),
        message.author_user_id == context.me,
        branch_level,
        said,
        day_divider.starts(message.created_at, above.created_at if above else None),
        own_id == context.first_unread,
        context.errors.get(own_id, ""),
        own_id in context.pending,
    )


class DayDivider:
    """Tells where a day begins; looks at the calendar only when a time leaves the day before."""

    def __init__(self) -> None:
        self._start = self._end = datetime.min.replace(tzinfo=UTC)

    def starts(self, time: datetime, before: datetime | None) -> datetime | None:
        """The time in the zone of the terminal, when its day is another than that before."""
        if before is not None:
            if not self._start <= before < self._end:
                self._set_day(before)
            if self._start <= time < self._end:
                return None
        return self._set_day(time)

    def _set_day(self, time: datetime) -> datetime:
        """Know the day of a time from now on."""
        local = time.astimezone()
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        self._start = midnight.astimezone(UTC)
        self._end = (midnight + timedelta(days=1)).astimezone(UTC)
        return local
