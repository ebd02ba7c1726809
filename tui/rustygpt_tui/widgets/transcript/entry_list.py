"""The entries of a thread kept up to date: a change costs what it changes, not what is there.

The law: after any steps its entries are those that `entries` makes of the same messages. Pure.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.widgets.transcript.entries import DayDivider, Entry, EntryContext, entries, entry


@dataclass(frozen=True, slots=True)
class Splice:
    """Entries that take the place of those from `start` up to `stop`."""

    start: int
    stop: int
    entries: list[Entry]
    new_count: int = 0
    """How many messages of others came for the first time."""


class EntryList:
    """Messages in the order of their paths, and how each is shown."""

    def __init__(self, context: EntryContext) -> None:
        self.context = context
        self.entries: list[Entry] = []
        self._by_id: dict[UUID, Entry] = {}
        self._replies: Counter[UUID | None] = Counter()
        self._days = DayDivider()
        self._head = self._tail = 0

    def __contains__(self, id: UUID) -> bool:
        return id in self._by_id

    def reset(self, messages: Iterable[MessageView], context: EntryContext) -> list[Entry]:
        """Begin anew with these messages, which come in depth-first order."""
        self.context = context
        self.entries = entries(messages, context)
        self._by_id = {shown.id: shown for shown in self.entries}
        self._replies = Counter(shown.message.parent_id for shown in self.entries)
        return self.entries

    def upsert(self, messages: Iterable[MessageView]) -> Splice:
        """Add or replace messages."""
        before, forks = self._start_change(), set[UUID | None]()
        news = sum(self._upsert(message, forks) for message in messages)
        self._rebuild_forks(forks)
        return self._finish_change(before, news)

    def remove(self, ids: Iterable[UUID]) -> Splice:
        """Take messages without replies out, such as those that were on their way."""
        before, forks = self._start_change(), set[UUID | None]()
        for id_ in ids:
            if id_ in self._by_id:
                self._remove(self.index(id_), forks)
        self._rebuild_forks(forks)
        return self._finish_change(before, 0)

    def index(self, id: UUID) -> int:
        """The place of a message that is in here; raises KeyError when it is not."""
        return bisect_left(self.entries, self._by_id[id].message.path, key=_path)

    def _start_change(self) -> int:
        """From now on it is counted how much at either end stays as it is."""
        self._head = self._tail = len(self.entries)
        return len(self.entries)

    def _finish_change(self, before: int, news: int) -> Splice:
        start = min(self._head, before)
        rest = min(self._tail, before - start)
        return Splice(start, before - rest, self.entries[start : len(self.entries) - rest], news)

    def _upsert(self, message: MessageView, forks: set[UUID | None]) -> bool:
        """Take a message; tells whether it is news, and adds to `forks` where branches change."""
        if message.id in self._by_id:
            self._rebuild(self.index(message.id), message)
            return False
        at = bisect_left(self.entries, message.path, key=_path)
        self._replies[message.parent_id] += 1
        self._by_id[message.id] = fresh = self._entry(at, message)
        self.entries.insert(at, fresh)
        self._touch(at)
        if at + 1 < len(self.entries):
            self._rebuild(at + 1)
        if self._replies[message.parent_id] == 2:
            forks.add(message.parent_id)
        if self._replies[message.id]:  # its answers came first
            forks.add(message.id)
        return message.author_user_id != self.context.me

    def _remove(self, at: int, forks: set[UUID | None]) -> None:
        gone = self.entries.pop(at).message
        del self._by_id[gone.id]
        self._replies[gone.parent_id] -= 1
        self._head = min(self._head, at)
        self._tail = min(self._tail, len(self.entries) - at)
        if at < len(self.entries):
            self._rebuild(at)
        if self._replies[gone.parent_id] == 1:
            forks.add(gone.parent_id)

    def _rebuild_forks(self, forks: set[UUID | None]) -> None:
        """Branches below these are indented otherwise now; each entry is looked at once."""
        forks.discard(None)
        known = sorted(self.index(id_) for id_ in forks if id_ and id_ in self._by_id)
        if len(known) < len(forks):  # what they answer is not there, so they may stand anywhere
            for at in range(len(self.entries)):
                self._rebuild(at)
            return
        done = 0
        for at in known:
            if at >= done:
                done = self._rebuild_below(at)

    def _rebuild_below(self, at: int) -> int:
        """Everything in the branch below a message; answers where that ends."""
        depth, below = self.entries[at].message.depth, at + 1
        while below < len(self.entries) and self.entries[below].message.depth > depth:
            self._rebuild(below)
            below += 1
        return below

    def _rebuild(self, at: int, message: MessageView | None = None) -> None:
        fresh = self._entry(at, message or self.entries[at].message)
        if fresh != self.entries[at]:
            self.entries[at] = self._by_id[fresh.id] = fresh
            self._touch(at)

    def _touch(self, at: int) -> None:
        self._head = min(self._head, at)
        self._tail = min(self._tail, len(self.entries) - at - 1)

    def _entry(self, at: int, message: MessageView) -> Entry:
        above = self.entries[at - 1].message if at else None
        parent = message.parent_id
        level, answered = 0, ""
        if parent and (answers := self._by_id.get(parent)):
            level, answered = answers.branch_level, answers.author
        level += parent is not None and self._replies[parent] > 1
        return entry(message, above, level, answered, self.context, self._days)


def _path(shown: Entry) -> str:
    return shown.message.path
