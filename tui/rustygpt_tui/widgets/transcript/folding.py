"""Finds what folded branches hide. No Textual import.

The branch of a message are the entries that follow it, up to the next one that is not deeper in
the reply tree. A fold within a folded branch is kept and has no effect until the outer one opens.
"""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import TypedDict
from uuid import UUID

from rustygpt_tui.widgets.transcript.entries import Entry


class FoldFields(TypedDict):
    """The fields of an entry that depend on folds."""

    hidden: bool
    folded: int
    folded_unread: int


@dataclass(frozen=True, slots=True)
class Folds:
    """What the folds of a list of entries hide."""

    hidden: set[UUID] = field(default_factory=set)
    counts: dict[UUID, tuple[int, int]] = field(default_factory=dict)
    """By the message whose branch is folded: how many entries, and how many unread, are hidden."""

    def fields(self, id: UUID) -> FoldFields:
        """Return the fields of a message's entry that depend on folds."""
        folded, folded_unread = self.counts.get(id, (0, 0))
        return {"hidden": id in self.hidden, "folded": folded, "folded_unread": folded_unread}

    def changed(self, other: "Folds") -> set[UUID]:
        """Return the ids of the messages whose fields differ from those of other folds."""
        folded = self.counts.keys() | other.counts.keys()
        return (self.hidden ^ other.hidden) | {
            id_ for id_ in folded if self.counts.get(id_) != other.counts.get(id_)
        }


def branch_end(entries: Sequence[Entry], index: int) -> int:
    """Return the index after the last entry of the branch of an entry."""
    depth = entries[index].message.depth
    end = index + 1
    while end < len(entries) and entries[end].message.depth > depth:
        end += 1
    return end


def has_branch(entries: Sequence[Entry], index: int) -> bool:
    """Return whether there is an entry below another one in its branch."""
    below = entries[index + 1 : index + 2]
    return bool(below) and below[0].message.depth > entries[index].message.depth


def find_folds(entries: Sequence[Entry], folded: Iterable[int]) -> Folds:
    """Return what the folds of the entries at these indices, in order, hide."""
    folds = Folds()
    done = 0
    for index in folded:
        if index < done:  # inside a folded branch
            continue
        done = branch_end(entries, index)
        branch = entries[index + 1 : done]
        if branch:
            folds.hidden.update(entry.id for entry in branch)
            unread = sum(entry.unread for entry in branch)
            folds.counts[entries[index].id] = (len(branch), unread)
    return folds


def with_folds(entries: Sequence[Entry], folded: Set[UUID]) -> list[Entry]:
    """Return entries as they are when the branches of these messages are folded."""
    folds = find_folds(entries, [at for at, entry in enumerate(entries) if entry.id in folded])
    return [replace(entry, **folds.fields(entry.id)) for entry in entries]
