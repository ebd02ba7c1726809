"""The entries of a thread, updated incrementally: the cost depends on the change. No Textual.

Invariant: after any sequence of changes, the entries equal those that `entries.entries` and
`folding.with_folds` build from the same messages, context and folds.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.widgets.transcript.entries import (
    DayDivider,
    Entry,
    EntryContext,
    entries,
    entry,
    sibling_numbers,
)
from rustygpt_tui.widgets.transcript.folding import Folds, branch_end, find_folds, with_folds


@dataclass(frozen=True, slots=True)
class Splice:
    """Entries that replace those from index `start` up to, not including, `stop`."""

    start: int
    stop: int
    entries: list[Entry]

    @property
    def changes_nothing(self) -> bool:
        """True when no entry was added, changed or removed."""
        return not self.entries and self.start == self.stop


class EntryList:
    """Entries in the order of their messages' paths, which is depth-first order."""

    def __init__(self, context: EntryContext) -> None:
        self.entries: list[Entry] = []
        self._context = context
        self._folded: set[UUID] = set()
        self._folds = Folds()
        self._by_id: dict[UUID, Entry] = {}
        self._replies: defaultdict[UUID | None, set[UUID]] = defaultdict(set)
        self._day_divider = DayDivider()
        self._stale: set[UUID] = set()
        """The messages whose entries must be built again at the end of the change."""
        self._siblings: dict[UUID, dict[UUID, tuple[int, int]]] = {}
        """The numbers of the answers to a message, by its id; computed once for each change."""
        self._unchanged_head = 0
        self._unchanged_tail = 0

    def __contains__(self, id: UUID) -> bool:
        return id in self._by_id

    @property
    def context(self) -> EntryContext:
        """What the entries depend on besides their messages."""
        return self._context

    @property
    def folded(self) -> frozenset[UUID]:
        """The messages whose branches are folded, also those that are not among the entries."""
        return frozenset(self._folded)

    def index(self, id: UUID) -> int:
        """Return the index of a message's entry; raises KeyError when there is none."""
        return bisect_left(self.entries, self._by_id[id].message.path, key=_path)

    def reset(self, messages: Iterable[MessageView], context: EntryContext) -> list[Entry]:
        """Replace everything by these messages, given in depth-first order; folds are kept."""
        self._context = context
        self.entries = entries(messages, context)
        self._by_id = {entry.id: entry for entry in self.entries}
        self._replies.clear()
        for added in self.entries:
            self._replies[added.message.parent_id].add(added.id)
        self._folds = find_folds(self.entries, self._folded_indices())
        if self._folds.counts:
            self.entries = with_folds(self.entries, self._folded)
            self._by_id = {entry.id: entry for entry in self.entries}
        return self.entries

    def change(
        self,
        messages: Iterable[MessageView] = (),
        removed: Iterable[UUID] = (),
        context: EntryContext | None = None,
    ) -> Splice:
        """Remove messages, add or replace messages, take another context; return what changed."""
        size_before = self._start_change()
        if context is not None:
            self._change_context(context)
        for id_ in removed:
            if id_ in self._by_id:
                self._remove(self.index(id_))
        for message in messages:
            self._upsert(message)
        self._rebuild_stale()
        self._refold()
        return self._finish_change(size_before)

    def fold(self, id: UUID) -> Splice:
        """Hide the branch below a message; messages that arrive there are hidden as well."""
        return self._change_folds(self._folded | {id})

    def unfold(self, id: UUID) -> Splice:
        """Show the branch below a message; folds within it are kept."""
        return self._change_folds(self._folded - {id})

    def unfold_to(self, id: UUID) -> Splice:
        """Open all folds that hide a message."""
        above: set[UUID] = set()
        if id in self._folds.hidden:
            index = self.index(id)
            depth = self.entries[index].message.depth
            for entry_above in reversed(self.entries[:index]):
                if entry_above.message.depth < depth:
                    depth = entry_above.message.depth
                    above.add(entry_above.id)
        return self._change_folds(self._folded - above)

    def unfold_all(self) -> Splice:
        """Open all folds."""
        return self._change_folds(set())

    def _change_folds(self, folded: set[UUID]) -> Splice:
        size_before = self._start_change()
        self._folded = folded
        self._refold()
        return self._finish_change(size_before)

    def _start_change(self) -> int:
        """Start to track how many entries at both ends stay the same; return their number."""
        self._siblings.clear()
        self._unchanged_head = len(self.entries)
        self._unchanged_tail = len(self.entries)
        return len(self.entries)

    def _finish_change(self, size_before: int) -> Splice:
        start = min(self._unchanged_head, size_before)
        tail = min(self._unchanged_tail, size_before - start)
        return Splice(start, size_before - tail, self.entries[start : len(self.entries) - tail])

    def _change_context(self, context: EntryContext) -> None:
        before, self._context = self._context, context
        if before is context:
            return
        if (before.me, before.names, before.may_ask_again) != (
            context.me,
            context.names,
            context.may_ask_again,
        ):
            self._stale.update(self._by_id)
            return
        self._stale.update(before.unread ^ context.unread, before.pending ^ context.pending)
        self._stale.update(before.open_reasoning ^ context.open_reasoning)
        if before.first_unread != context.first_unread:
            self._stale.update(id_ for id_ in (before.first_unread, context.first_unread) if id_)
        for parent_id in _changed_keys(before.quotes, context.quotes):
            self._stale.update(self._replies.get(parent_id, ()))

    def _upsert(self, message: MessageView) -> None:
        shown = self._by_id.get(message.id)
        if shown is not None and shown.message.path == message.path:
            if shown.message != message:
                self._rebuild(self.index(message.id), message)
                self._stale.update(self._replies.get(message.id, ()))  # their quotes changed
            return
        if shown is not None:  # an unconfirmed message that another one was confirmed before
            self._remove(self.index(message.id))
        at = bisect_left(self.entries, message.path, key=_path)
        added = self._entry(at, message)
        self._by_id[message.id] = added
        self._replies[message.parent_id].add(message.id)
        self.entries.insert(at, added)
        self._touch(at)
        self._mark_stale_siblings(message)
        self._stale.add(message.id)  # its parent may be added or change its level after it
        self._mark_stale_around(message.id, at + 1)

    def _remove(self, at: int) -> None:
        removed = self.entries.pop(at)
        del self._by_id[removed.id]
        self._replies[removed.message.parent_id].discard(removed.id)
        self._unchanged_head = min(self._unchanged_head, at)
        self._unchanged_tail = min(self._unchanged_tail, len(self.entries) - at)
        self._mark_stale_around(removed.id, at)
        self._mark_stale_siblings(removed.message)

    def _mark_stale_siblings(self, message: MessageView) -> None:
        """Mark the other answers to the same question, which are numbered."""
        if message.role == "assistant" and message.parent_id is not None:
            self._siblings.pop(message.parent_id, None)
            self._stale.update(self._replies[message.parent_id])

    def _mark_stale_around(self, id: UUID, below: int) -> None:
        """Mark the entry below an added or removed message, and the replies to the message."""
        self._stale.update(self._replies.get(id, ()))
        if below < len(self.entries):
            self._stale.add(self.entries[below].id)

    def _rebuild_stale(self) -> None:
        """Build the stale entries again, and the branches whose level changed."""
        indices = sorted(self.index(id_) for id_ in self._stale if id_ in self._by_id)
        self._stale.clear()
        done = 0
        for at in indices:
            if at < done:
                continue
            level = self.entries[at].branch_level
            self._rebuild(at)
            if self.entries[at].branch_level != level:
                done = branch_end(self.entries, at)
                for below in range(at + 1, done):
                    self._rebuild(below)

    def _refold(self) -> None:
        """Update which entries are hidden, and the counts of the folded branches."""
        before = self._folds
        if not self._folded and not before.counts:
            return
        self._folds = find_folds(self.entries, self._folded_indices())
        for id_ in self._folds.changed(before):
            if id_ in self._by_id:
                self._rebuild(self.index(id_))

    def _folded_indices(self) -> list[int]:
        return sorted(self.index(id_) for id_ in self._folded if id_ in self._by_id)

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
        parent = self._by_id.get(message.parent_id) if message.parent_id else None
        built = entry(message, above, parent, self._context, self._day_divider)
        if parent is not None and (siblings := self._sibling_numbers(parent)):
            built = replace(built, siblings=siblings.get(message.id))
        return replace(built, **self._folds.fields(message.id)) if self._folds.counts else built

    def _sibling_numbers(self, question: Entry) -> dict[UUID, tuple[int, int]]:
        """Return the numbers of the answers to a message; none if there is one at most."""
        numbers = self._siblings.get(question.id)
        if numbers is None:
            replies = [self._by_id[id_] for id_ in self._replies.get(question.id, ())]
            numbers = sibling_numbers([question, *sorted(replies, key=_path)])
            self._siblings[question.id] = numbers
        return numbers


def _path(entry: Entry) -> str:
    return entry.message.path


def _changed_keys(before: Mapping[UUID, object], after: Mapping[UUID, object]) -> set[UUID]:
    if before is after:
        return set()
    return {id_ for id_ in before.keys() | after.keys() if before.get(id_) != after.get(id_)}
