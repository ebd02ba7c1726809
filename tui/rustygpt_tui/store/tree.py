"""The messages of a thread in the order of their paths, cheap to change one at a time.

A thread of any size is loaded in parts: `ranges` says which parts of the depth-first order are
complete. Other messages came by events, and messages next to them may be missing.

A tree is immutable: `put` returns a new tree that shares all but one block of at most 512 messages
with the old one (square-root decomposition). All versions share the index from id to path, since a
path never changes; an id that an older version lacks is simply not in the block it points to.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from uuid import UUID

from rustygpt_shared.models.messages import MessageView

BLOCK_SIZE = 512
END = "\x7f"
"""Sorts after every path that the server assigns."""


class PathRange(NamedTuple):
    """A part of a thread that is loaded completely: all messages from `start` to `end`.

    A start of "" is the beginning of the thread, an end of `END` its end; messages that events
    bring are then part of the range.
    """

    start: str
    end: str

    def covers(self, path: str) -> bool:
        """Return True when the message at this path belongs to the range."""
        return self.start <= path <= self.end

    @property
    def has_start(self) -> bool:
        """True when the thread has no messages before the range."""
        return not self.start

    @property
    def has_end(self) -> bool:
        """True when the thread has no messages after the range."""
        return self.end == END


TreeEntry = tuple[str, MessageView, int]
"""Path, message, and the number of the event (or snapshot) that the message comes from."""
Block = tuple[TreeEntry, ...]


@dataclass(frozen=True, slots=True)
class MessageTree:
    """The loaded messages of a thread."""

    root_id: UUID
    ranges: tuple[PathRange, ...] = ()
    """The parts that are loaded completely, in order; no two of them touch."""
    count: int = 0
    newest: MessageView | None = None
    """The message with the highest `seq`."""
    streaming: frozenset[UUID] = frozenset()
    """The answers in progress."""
    blocks: tuple[Block, ...] = ()
    """The entries in the order of their paths, at most `BLOCK_SIZE` in a block."""
    _paths: dict[UUID, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[MessageView]:
        return (message for block in self.blocks for _, message, _ in block)

    def get(self, id: UUID) -> MessageView | None:
        """Return the message with this id, or None when it is not loaded."""
        entry = self._entry(id)
        return entry[1] if entry else None

    def event_number_of(self, id: UUID) -> int:
        """Return the number of the event that a message comes from; -1 when it is not loaded."""
        entry = self._entry(id)
        return entry[2] if entry else -1

    def at(self, index: int) -> MessageView:
        """Return the message at an index in depth-first order; raise IndexError beyond the end."""
        for block in self.blocks:
            if index < len(block):
                return block[index][1]
            index -= len(block)
        raise IndexError(index)

    def index(self, id: UUID) -> int:
        """Return a message's index in depth-first order; raise KeyError when it is not loaded."""
        path = self._paths[id]
        before = 0
        for block in self.blocks:
            if block[-1][0] >= path:
                within = _find(block, path)
                if within is not None:
                    return before + within
                break
            before += len(block)
        raise KeyError(id)

    def put(self, message: MessageView, number: int) -> "MessageTree":
        """Return the tree with a message added or replaced; `number` is that of its event."""
        entry = (message.path, message, number)
        self._paths[message.id] = message.path
        newest = self.newest
        if newest is None or message.seq >= newest.seq:
            newest = message
        blocks, added = self._blocks_with(entry)
        return replace(
            self,
            blocks=blocks,
            count=self.count + added,
            newest=newest,
            streaming=self._streaming_with(message),
        )

    def put_page(
        self, messages: Iterable[MessageView], number: int, loaded: PathRange
    ) -> "MessageTree":
        """Return the tree with a page, read at event `number`, that is all of the range `loaded`.

        Messages that a later event changed are kept.
        """
        tree = self.put_all(messages, number)
        return replace(tree, ranges=_joined(self.ranges, loaded))

    def put_all(self, messages: Iterable[MessageView], number: int) -> "MessageTree":
        """Return the tree with messages that were read at event `number`, without their range."""
        tree = self
        for message in messages:
            if tree.event_number_of(message.id) <= number:
                tree = tree.put(message, number)
        return tree

    def range_at(self, id: UUID) -> PathRange | None:
        """Return the complete range that a message is in, or None."""
        entry = self._entry(id)
        return next((r for r in self.ranges if entry and r.covers(entry[0])), None)

    def within(self, loaded: PathRange) -> Iterator[MessageView]:
        """Yield the messages of a range in depth-first order."""
        for block in self.blocks[self._block_index(loaded.start) :] if self.blocks else ():
            for path, message, _ in block:
                if path > loaded.end:
                    return
                if path >= loaded.start:
                    yield message

    def branch_end(self, id: UUID) -> MessageView | None:
        """Return the last loaded message below a message, or itself; None when it is not loaded.

        Behind the end of the complete range that the message is in, nothing is counted.
        """
        top = self.get(id)
        loaded = self.range_at(id)
        if top is None or loaded is None:
            return top
        last = top
        for message in self.within(PathRange(top.path, loaded.end)):
            if message.depth <= top.depth and message.id != id:
                break
            last = message
        return last

    def _blocks_with(self, entry: TreeEntry) -> tuple[tuple[Block, ...], int]:
        """Return the blocks with an entry in them, and how many entries that adds: 0 or 1."""
        if not self.blocks:
            return ((entry,),), 1
        path = entry[0]
        index = self._block_index(path)
        block = self.blocks[index]
        start = bisect_left(block, path, key=_path)
        replaced = int(start < len(block) and block[start][0] == path)
        changed = (*block[:start], entry, *block[start + replaced :])
        parts = (changed,) if len(changed) <= BLOCK_SIZE else _halves(changed)
        return (*self.blocks[:index], *parts, *self.blocks[index + 1 :]), 1 - replaced

    def _streaming_with(self, message: MessageView) -> frozenset[UUID]:
        if message.streaming:
            return self.streaming | {message.id}
        return self.streaming - {message.id} if message.id in self.streaming else self.streaming

    def _block_index(self, path: str) -> int:
        return max(0, bisect_right(self.blocks, path, key=_first_path) - 1)

    def _entry(self, id: UUID) -> TreeEntry | None:
        path = self._paths.get(id)
        if path is None or not self.blocks:
            return None
        block = self.blocks[self._block_index(path)]
        within = _find(block, path)
        return None if within is None else block[within]


def _joined(ranges: tuple[PathRange, ...], added: PathRange) -> tuple[PathRange, ...]:
    """Return the ranges with another one; those that it touches become one range with it."""
    apart = [r for r in ranges if r.end < added.start or r.start > added.end]
    touched = [r for r in ranges if r.start <= added.end and r.end >= added.start]
    start = min([added.start, *(r.start for r in touched)])
    end = max([added.end, *(r.end for r in touched)])
    return tuple(sorted([*apart, PathRange(start, end)]))


def _find(block: Block, path: str) -> int | None:
    """Return the index of a path in a block, or None."""
    index = bisect_left(block, path, key=_path)
    return index if index < len(block) and block[index][0] == path else None


def _path(entry: TreeEntry) -> str:
    return entry[0]


def _first_path(block: Block) -> str:
    return block[0][0]


def _halves(block: Block) -> tuple[Block, Block]:
    middle = len(block) // 2
    return block[:middle], block[middle:]
