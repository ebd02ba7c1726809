"""Entries of the transcript: one per message, with its place in the reply tree. No Textual import.

Entries are in depth-first order of the reply tree. The first reply to a message stands right below
it and has its level; every further reply is one level deeper. So a plain exchange stays flat
however long it is, and a message that arrives never changes the level of another one.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.store.names import Names

QUOTE_LENGTH = 200
"""Code points of a message's content that a quote keeps; more never fits into a header."""


@dataclass(frozen=True, slots=True)
class Quote:
    """The author of a message that is replied to, and the start of its content (Markdown).

    Both are empty when the message is not known.
    """

    author: str = ""
    text: str = ""


UNKNOWN_QUOTE = Quote()


@dataclass(frozen=True, slots=True)
class Entry:
    """A message and how it is shown; equal entries render to the same lines."""

    message: MessageView
    author: str
    own: bool = False
    branch_level: int = 0
    """0 for the first branch of the thread; see the module."""
    quote: Quote | None = None
    """The message it replies to, unless that is the entry right above."""
    day: datetime | None = None
    """Set when it is the first message of a day."""
    first_unread: bool = False
    """True for the first unread message, which has a divider above it."""
    unread: bool = False
    """True while the reader has not seen it; its header has a mark."""
    error: str = ""
    """Why an answer failed, in one sentence."""
    deletion: str = ""
    """`deleted`, and by whom if not by its author."""
    pending: bool = False
    """True until the server confirmed the message."""
    hidden: bool = False
    """True inside a folded branch; a hidden entry has no rows."""
    folded: int = 0
    """The number of entries below it that its fold hides."""
    folded_unread: int = 0
    """How many of those are unread."""
    siblings: tuple[int, int] | None = None
    """Which of how many answers to the same question it is, from 1; None if it is the only one."""
    may_ask_again: bool = False
    """True for an answer that the reader may ask for again."""
    reasoning_open: bool = False
    """True when its reasoning is unfolded."""

    @property
    def id(self) -> UUID:
        """The message's id."""
        return self.message.id

    @property
    def divider_rows(self) -> int:
        """The number of rows that dividers take above the header."""
        return 0 if self.hidden else 2 * (self.day is not None) + 2 * self.first_unread


@dataclass(frozen=True, slots=True)
class EntryContext:
    """What entries depend on besides their messages. Its mappings must not change afterwards."""

    me: UUID
    names: Names
    """The labels of the participants."""
    first_unread: UUID | None = None
    pending: Set[UUID] = frozenset()
    quotes: Mapping[UUID, Quote] = field(default_factory=dict)
    """Quotes of messages that are replied to and are not among the entries, by message id."""
    unread: Set[UUID] = frozenset()
    """The ids of unread messages."""
    open_reasoning: Set[UUID] = frozenset()
    """The messages whose reasoning is unfolded."""
    shows_days: bool = True
    """True when the first message of each day has a divider."""
    may_ask_again: Literal["all", "own", "none"] = "none"
    """Which answers the reader may ask for again; `own` are those to the reader's messages."""

    def author(self, message: MessageView) -> str:
        """Return the label of a message's author."""
        return self.names.author(message)

    def quote(self, message: MessageView) -> Quote:
        """Return the quote of a message in the headers of its replies."""
        text = message.content[:QUOTE_LENGTH]
        if message.deleted_at is not None:
            text = f"({self.names.deletion(message)})"
        return Quote(self.author(message), text)


def entries(messages: Iterable[MessageView], context: EntryContext) -> list[Entry]:
    """Return the entries of messages given in depth-first order, as if nothing were folded."""
    by_id: dict[UUID, Entry] = {}
    day_divider = DayDivider()
    result: list[Entry] = []
    above: MessageView | None = None
    for message in messages:
        parent = by_id.get(message.parent_id) if message.parent_id else None
        added = entry(message, above, parent, context, day_divider)
        by_id[message.id] = added
        result.append(added)
        above = message
    siblings = sibling_numbers(result)
    return [replace(e, siblings=siblings.get(e.id)) if e.id in siblings else e for e in result]


def sibling_numbers(entries: Iterable[Entry]) -> dict[UUID, tuple[int, int]]:
    """Return which of how many answers to the same question each one is, where there are several.

    `entries` are in depth-first order. Answers whose question is not among them are left out.
    """
    questions: set[UUID] = set()
    answers: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for entry in entries:
        questions.add(entry.id)
        if entry.message.role == "assistant" and entry.message.parent_id in questions:
            answers[entry.message.parent_id].append(entry.id)
    return {
        id_: (number, len(ids))
        for ids in answers.values()
        if len(ids) > 1
        for number, id_ in enumerate(ids, 1)
    }


def entry(
    message: MessageView,
    above: MessageView | None,
    parent: Entry | None,
    context: EntryContext,
    day_divider: "DayDivider",
) -> Entry:
    """Return the entry of a message, as if nothing were folded.

    `above` is the message of the entry above; `parent` is the entry of the message it replies to,
    None when there is none or it is not among the entries.
    """
    above_at = above.created_at if above else None
    return Entry(
        message,
        context.author(message),
        own=message.author_user_id == context.me,
        branch_level=_branch_level(message, above, parent),
        quote=_quote(message, above, parent, context),
        day=day_divider.starts(message.created_at, above_at) if context.shows_days else None,
        first_unread=message.id == context.first_unread,
        unread=message.id in context.unread,
        error=message.error.message if message.error else "",
        deletion=context.names.deletion(message) if message.deleted_at else "",
        pending=message.id in context.pending,
        may_ask_again=_may_ask_again(message, parent, context),
        reasoning_open=message.id in context.open_reasoning,
    )


def _may_ask_again(message: MessageView, parent: Entry | None, context: EntryContext) -> bool:
    if message.role != "assistant" or context.may_ask_again == "none":
        return False
    return context.may_ask_again == "all" or (parent is not None and parent.own)


def _branch_level(message: MessageView, above: MessageView | None, parent: Entry | None) -> int:
    """Return the level of a message.

    Where the entries start in the middle of a thread, parents are missing. A message below another
    one whose parent is missing is not the first reply, so its level is 1 at least; the first entry
    may continue a plain exchange. Then an earlier page changes the level of few entries.
    """
    if message.parent_id is None:
        return 0
    if parent is None:
        return 0 if above is None else 1
    return parent.branch_level + (above is None or above.id != message.parent_id)


def _quote(
    message: MessageView, above: MessageView | None, parent: Entry | None, context: EntryContext
) -> Quote | None:
    parent_id = message.parent_id
    if parent_id is None or (above is not None and above.id == parent_id):
        return None
    if parent is not None:
        return context.quote(parent.message)
    return context.quotes.get(parent_id, UNKNOWN_QUOTE)


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
