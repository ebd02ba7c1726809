"""Entries of the transcript: one per message, with its place in the reply tree. No Textual import.

Entries are in depth-first order of the reply tree. A reply to a message that has one reply only is
not indented, so that a plain exchange stays flat; branches are indented up to a maximum depth.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from rustygpt_shared.models.messages import MessageView

INDENT = 2
"""Cells per level of branching."""
DEEPEST_INDENT = 8
"""Levels beyond this one are not indented further, which leaves space for the text."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A message and how it is shown; equal entries render to the same lines."""

    message: MessageView
    author: str
    own: bool = False
    branch_level: int = 0
    """The number of branchings above it."""
    reply_to: str = ""
    """The author of the message it replies to, unless that is the entry right above."""
    day: datetime | None = None
    """Set when it is the first message of a day."""
    first_unread: bool = False
    """True for the first unread message, which has a divider above it."""
    error: str = ""
    """Why an answer failed, in one sentence."""
    pending: bool = False
    """True until the server confirmed the message."""

    @property
    def id(self) -> UUID:
        """The message's id."""
        return self.message.id

    @property
    def divider_rows(self) -> int:
        """The number of rows that dividers take above the header."""
        return 2 * (self.day is not None) + 2 * self.first_unread

    @property
    def indent(self) -> int:
        """The indentation in cells."""
        return INDENT * min(self.branch_level, DEEPEST_INDENT)


@dataclass(frozen=True, slots=True)
class EntryContext:
    """What entries depend on besides their messages."""

    me: UUID
    names: dict[UUID, str]
    """Names of the participants by user id."""
    errors: dict[UUID, str]
    """Errors of answers by message id."""
    first_unread: UUID | None = None
    pending: frozenset[UUID] = frozenset()

    def author(self, message: MessageView) -> str:
        """Return the name to show for the author of a message."""
        if message.role == "assistant":
            return message.model or "assistant"
        if message.role == "system":
            return "system"
        name = self.names.get(message.author_user_id) if message.author_user_id else None
        return name or message.author_name or "somebody"


def entries(messages: Iterable[MessageView], context: EntryContext) -> list[Entry]:
    """Return the entries of messages given in depth-first order."""
    messages = list(messages)
    reply_counts = Counter(message.parent_id for message in messages)
    levels: dict[UUID, int] = {}
    authors: dict[UUID, str] = {}
    day_divider = DayDivider()
    result: list[Entry] = []
    above: MessageView | None = None
    for message in messages:
        parent = message.parent_id
        level = levels.get(parent, 0) + (reply_counts[parent] > 1) if parent else 0
        levels[message.id] = level
        authors[message.id] = context.author(message)
        parent_author = authors.get(parent, "") if parent else ""
        result.append(entry(message, above, level, parent_author, context, day_divider))
        above = message
    return result


def entry(
    message: MessageView,
    above: MessageView | None,
    branch_level: int,
    parent_author: str,
    context: EntryContext,
    day_divider: "DayDivider",
) -> Entry:
    """Return the entry of a message.

    `above` is the message of the entry above, `parent_author` wrote the message it replies to.
    """
    return Entry(
        message,
        context.author(message),
        own=message.author_user_id == context.me,
        branch_level=branch_level,
        reply_to=parent_author if above and message.parent_id != above.id else "",
        day=day_divider.starts(message.created_at, above.created_at if above else None),
        first_unread=message.id == context.first_unread,
        error=context.errors.get(message.id, ""),
        pending=message.id in context.pending,
    )


class DayDivider:
    """Finds the first message of each day in local time.

    It keeps the bounds of the last day, as converting every time to the local zone is slow.
    """

    def __init__(self) -> None:
        self._start = datetime.min.replace(tzinfo=UTC)
        self._end = self._start

    def starts(self, time: datetime, before: datetime | None) -> datetime | None:
        """Return `time` in the local zone if its day differs from that of `before`, else None."""
        if before is not None:
            if not self._start <= before < self._end:
                self._set_day(before)
            if self._start <= time < self._end:
                return None
        return self._set_day(time)

    def _set_day(self, time: datetime) -> datetime:
        """Remember the day of a time, and return that time in the local zone."""
        local = time.astimezone()
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        self._start = midnight.astimezone(UTC)
        self._end = (midnight + timedelta(days=1)).astimezone(UTC)
        return local
