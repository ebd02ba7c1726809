"""The messages of a thread in the order of their paths, cheap to change one at a time.

A tree is immutable: `put` returns a new tree that shares all but one block of at most 512 messages
with the old one (square-root decomposition). All versions share the index from id to path, since a
path never changes; an id that an older version lacks is simply not in the block it points to.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from uuid import UUID

from rustygpt_shared.models.messages import MessageView

BLOCK_SIZE = 512

TreeEntry = tuple[str, MessageView, int]
"""Path, message, and the number of the event (or snapshot) that the message comes from."""
Block = tuple[TreeEntry, ...]


@dataclass(frozen=True, slots=True)
class MessageTree:
    """The loaded messages of a thread.

    `cursor` fetches the next page. Messages with a path above `frontier` came by events, and
    messages may be missing right below them. Both are None when the thread is loaded completely.
    """

    root_id: UUID
    cursor: str | None = None
    frontier: str | None = None
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
        self, messages: Iterable[MessageView], number: int, cursor: str | None
    ) -> "MessageTree":
        """Return the tree with its next page, read at event `number`; newer messages are kept."""
        tree = self
        last_path = self.frontier
        for message in messages:
            last_path = message.path
            if tree.event_number_of(message.id) <= number:
                tree = tree.put(message, number)
        return replace(tree, cursor=cursor, frontier=last_path if cursor else None)

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
