"""The messages of a thread in the order of their paths, cheap to change one at a time.

A tree never changes: `put` answers a new one that shares all but one block of at most 512 messages
with the old. What is shared for ever is the index from id to path, since a path never changes;
an id that an older tree does not have yet is looked up there in vain, which is right.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from uuid import UUID

from rustygpt_shared.models.messages import MessageView

BLOCK = 512

TreeEntry = tuple[str, MessageView, int]
"""Path, message, and the number of the event (or snapshot) that the message is known from."""


@dataclass(frozen=True, slots=True)
class MessageTree:
    """What is known of a thread's messages.

    `cursor` fetches the next page; messages with a path above `frontier` came by events, and there
    may be a hole right below them. Both are None when the whole thread is known.
    """

    root_id: UUID
    cursor: str | None = None
    frontier: str | None = None
    count: int = 0
    newest: MessageView | None = None
    """The message with the highest `seq`."""
    streaming: frozenset[UUID] = frozenset()
    """Answers in progress."""
    _blocks: tuple[tuple[TreeEntry, ...], ...] = ()
    _paths: dict[UUID, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[MessageView]:
        return (message for block in self._blocks for _, message, _ in block)

    def get(self, id: UUID) -> MessageView | None:
        """The message with this id, if it is known."""
        entry = self._entry(id)
        return entry[1] if entry else None

    def event_number_of(self, id: UUID) -> int:
        """The number of the event that a message is known from; -1 when it is not known."""
        entry = self._entry(id)
        return entry[2] if entry else -1

    def at(self, index: int) -> MessageView:
        """The message at a place in depth-first order; raises IndexError beyond the end."""
        for block in self._blocks:
            if index < len(block):
                return block[index][1]
            index -= len(block)
        raise IndexError(index)

    def index(self, id: UUID) -> int:
        """The place of a message in depth-first order; raises KeyError when it is not known."""
        path = self._paths[id]
        before = 0
        for block in self._blocks:
            if block[-1][0] >= path:
                found = bisect_left(block, path, key=_path)
                if found < len(block) and block[found][0] == path:
                    return before + found
                break
            before += len(block)
        raise KeyError(id)

    def put(self, message: MessageView, number: int) -> "MessageTree":
        """The tree with a message added or replaced."""
        entry = (message.path, message, number)
        self._paths[message.id] = message.path
        newest, streaming = self.newest, self.streaming
        if newest is None or message.seq >= newest.seq:
            newest = message
        if message.streaming or message.id in streaming:
            streaming = streaming | {message.id} if message.streaming else streaming - {message.id}
        if not self._blocks:
            return replace(self, _blocks=((entry,),), count=1, newest=newest, streaming=streaming)
        where = self._block_of(message.path)
        block = self._blocks[where]
        at = bisect_left(block, message.path, key=_path)
        known = at < len(block) and block[at][0] == message.path
        changed = (*block[:at], entry, *block[at + known :])
        halves = (changed,) if len(changed) <= BLOCK else _halves(changed)
        blocks = (*self._blocks[:where], *halves, *self._blocks[where + 1 :])
        count = self.count + (not known)
        return replace(self, _blocks=blocks, count=count, newest=newest, streaming=streaming)

    def put_page(
        self, messages: Iterable[MessageView], number: int, cursor: str | None
    ) -> "MessageTree":
        """The tree with the next page, read at event `number`; newer messages are kept."""
        tree, last = self, self.frontier
        for message in messages:
            last = message.path
            if tree.event_number_of(message.id) <= number:
                tree = tree.put(message, number)
        return replace(tree, cursor=cursor, frontier=last if cursor else None)

    def _block_of(self, path: str) -> int:
        found = bisect_right(self._blocks, path, key=_first_path) - 1
        return max(found, 0)

    def _entry(self, id: UUID) -> TreeEntry | None:
        path = self._paths.get(id)
        if path is None or not self._blocks:
            return None
        block = self._blocks[self._block_of(path)]
        at = bisect_left(block, path, key=_path)
        return block[at] if at < len(block) and block[at][0] == path else None


def _path(entry: TreeEntry) -> str:
    return entry[0]


def _first_path(block: tuple[TreeEntry, ...]) -> str:
    return block[0][0]


def _halves(block: tuple[TreeEntry, ...]) -> tuple[tuple[TreeEntry, ...], tuple[TreeEntry, ...]]:
    middle = len(block) // 2
    return block[:middle], block[middle:]
