"""The entries of a thread, updated incrementally: the cost depends on the change. No Textual.

Invariant: after any sequence of changes, the entries equal those that `entries.entries` builds
from the same messages.
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
    """Entries that replace those from index `start` up to, not including, `stop`."""

    start: int
    stop: int
    entries: list[Entry]
    new_count: int = 0
    """The number of added messages that other people wrote."""


class EntryList:
    """Entries in the order of their messages' paths, which is depth-first order."""

    def __init__(self, context: EntryContext) -> None:
        self.context = context
        self.entries: list[Entry] = []
        self._by_id: dict[UUID, Entry] = {}
        self._reply_counts: Counter[UUID | None] = Counter()
        self._day_divider = DayDivider()
        self._unchanged_head = 0
        self._unchanged_tail = 0

    def __contains__(self, id: UUID) -> bool:
        return id in self._by_id

    def reset(self, messages: Iterable[MessageView], context: EntryContext) -> list[Entry]:
        """Replace everything by these messages, given in depth-first order."""
        self.context = context
        self.entries = entries(messages, context)
        self._by_id = {entry.id: entry for entry in self.entries}
        self._reply_counts = Counter(entry.message.parent_id for entry in self.entries)
        return self.entries

    def upsert(self, messages: Iterable[MessageView]) -> Splice:
        """Add or replace messages, and return what changed."""
        size_before = self._start_change()
        forks: set[UUID | None] = set()
        new_count = sum(self._upsert(message, forks) for message in messages)
        self._rebuild_forks(forks)
        return self._finish_change(size_before, new_count)

    def remove(self, ids: Iterable[UUID]) -> Splice:
        """Remove messages without replies, such as unconfirmed ones; return what changed."""
        size_before = self._start_change()
        forks: set[UUID | None] = set()
        for id_ in ids:
            if id_ in self._by_id:
                self._remove(self.index(id_), forks)
        self._rebuild_forks(forks)
        return self._finish_change(size_before, 0)

    def index(self, id: UUID) -> int:
        """Return the index of a message's entry; raises KeyError when there is none."""
        return bisect_left(self.entries, self._by_id[id].message.path, key=_path)

    def _start_change(self) -> int:
        """Start to track how many entries at both ends stay the same; return their number."""
        self._unchanged_head = len(self.entries)
        self._unchanged_tail = len(self.entries)
        return len(self.entries)

    def _finish_change(self, size_before: int, new_count: int) -> Splice:
        start = min(self._unchanged_head, size_before)
        tail = min(self._unchanged_tail, size_before - start)
        changed = self.entries[start : len(self.entries) - tail]
        return Splice(start, size_before - tail, changed, new_count)

    def _upsert(self, message: MessageView, forks: set[UUID | None]) -> bool:
        """Add or replace one message; return True for a new one of another author.

        Adds to `forks` the messages whose branches change their indentation.
        """
        if message.id in self._by_id:
            self._rebuild(self.index(message.id), message)
            return False
        at = bisect_left(self.entries, message.path, key=_path)
        self._reply_counts[message.parent_id] += 1
        added = self._entry(at, message)
        self._by_id[message.id] = added
        self.entries.insert(at, added)
        self._touch(at)
        if at + 1 < len(self.entries):
            self._rebuild(at + 1)
        if self._reply_counts[message.parent_id] == 2:
            forks.add(message.parent_id)
        if self._reply_counts[message.id]:  # its replies arrived before it
            forks.add(message.id)
        return message.author_user_id != self.context.me

    def _remove(self, at: int, forks: set[UUID | None]) -> None:
        removed = self.entries.pop(at).message
        del self._by_id[removed.id]
        self._reply_counts[removed.parent_id] -= 1
        self._unchanged_head = min(self._unchanged_head, at)
        self._unchanged_tail = min(self._unchanged_tail, len(self.entries) - at)
        if at < len(self.entries):
            self._rebuild(at)
        if self._reply_counts[removed.parent_id] == 1:
            forks.add(removed.parent_id)

    def _rebuild_forks(self, forks: set[UUID | None]) -> None:
        """Rebuild the branches below these messages, each entry at most once."""
        forks.discard(None)
        indices = sorted(self.index(id_) for id_ in forks if id_ and id_ in self._by_id)
        if len(indices) < len(forks):  # the parent is missing: its replies may be anywhere
            for at in range(len(self.entries)):
                self._rebuild(at)
            return
        done = 0
        for at in indices:
            if at >= done:
                done = self._rebuild_below(at)

    def _rebuild_below(self, at: int) -> int:
        """Rebuild the branch below a message, and return the index after its end."""
        depth = self.entries[at].message.depth
        below = at + 1
        while below < len(self.entries) and self.entries[below].message.depth > depth:
            self._rebuild(below)
            below += 1
        return below

    def _rebuild(self, at: int, message: MessageView | None = None) -> None:
        """Build an entry again, from the same message unless another version is given."""
        rebuilt = self._entry(at, message or self.entries[at].message)
        if rebuilt != self.entries[at]:
            self.entries[at] = rebuilt
            self._by_id[rebuilt.id] = rebuilt
            self._touch(at)

    def _touch(self, at: int) -> None:
        self._unchanged_head = min(self._unchanged_head, at)
        self._unchanged_tail = min(self._unchanged_tail, len(self.entries) - at - 1)

    def _entry(self, at: int, message: MessageView) -> Entry:
        above = self.entries[at - 1].message if at else None
        parent_id = message.parent_id
        parent = self._by_id.get(parent_id) if parent_id else None
        level = parent.branch_level if parent else 0
        level += parent_id is not None and self._reply_counts[parent_id] > 1
        author = parent.author if parent else ""
        return entry(message, above, level, author, self.context, self._day_divider)


def _path(entry: Entry) -> str:
    return entry.message.path
