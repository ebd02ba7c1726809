"""What waits for one reader: bounded in events and bytes, and clear about what goes first."""

from enum import IntEnum
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from rustygpt_server.realtime.passages import Passage
from rustygpt_shared.settings import Sse

S = TypeVar("S")
"""By what events came to a reader."""

FRAME_LIMIT = 1 << 20
"""More than the largest frame: an answer's text and its reasoning, 65,536 characters each, of which
JSON makes six bytes at worst."""
PIECE_BYTES = 1 << 16
"""About so much is handed to a connection at once; the rest waits here, where it is bounded."""

JOINED_CHARACTERS = 4_096
"""Deltas that wait are joined to one of this length at most."""


class Kind(IntEnum):
    """How dear an event is; the least dear are dropped first."""

    DELTA = 0
    TRANSIENT = 1
    DURABLE = 2


class Item(NamedTuple):
    """An event as it waits."""

    kind: Kind
    frame: bytes
    answer: UUID | None = None
    """The answer whose text it carries."""
    text: Passage | None = None
    """That text, of a delta: what follows it can be joined to it."""


class Pressure:
    """How much may wait for any reader, what may be dropped of it, and how much was."""

    def __init__(self, settings: Sse) -> None:
        self.capacity = capacity = settings.channel_capacity
        self.byte_limit = 4 * FRAME_LIMIT
        self.droppable = [Kind.DELTA]
        if settings.backpressure.drop_strategy == "drop_tokens_and_system":
            self.droppable.append(Kind.TRANSIENT)
        self.warn_at = max(1, int(capacity * settings.backpressure.warn_queue_ratio))
        self.slow = 0
        """How often a queue grew to the length that is worth a warning."""
        self.dropped = [0] * len(Kind)


class Outbox(Generic[S]):
    """A queue of frames. Dropping an answer's delta is remembered, to send its whole text later."""

    __slots__ = ("_bytes", "_items", "_pressure", "behind")

    def __init__(self, pressure: Pressure) -> None:
        self._pressure = pressure
        self._items: list[tuple[Item, S | None]] = []
        self._bytes = 0
        self.behind: set[UUID] | None = None
        """Answers of which deltas were dropped."""

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: Item, seat: S | None = None) -> bool:
        """Queue an event; False when a dear one finds no room, and the reader must start over."""
        kind, frame, answer, _ = item
        if kind is Kind.DELTA and self._join(item):
            return True
        if kind is Kind.DELTA and (answer in (self.behind or ()) or self._fuller_than(0.5)):
            self._drop(item)
            return True
        if self._fuller_than(1, len(frame)) and not self._make_room(kind, len(frame)):
            self._drop(item)
            return kind in self._pressure.droppable or answer is not None  # told whole, later
        self._items.append((item, seat))
        self._bytes += len(frame)
        if len(self._items) == self._pressure.warn_at:
            self._pressure.slow += 1
        return True

    def take(self) -> bytes:
        """What waits, in order, joined to one piece that ends with the frame that fills it."""
        size = count = 0
        for item, _ in self._items:
            size += len(item.frame)
            count += 1
            if size >= PIECE_BYTES:
                break
        taken = b"".join(item.frame for item, _ in self._items[:count])
        del self._items[:count]
        self._bytes -= size
        return taken

    def discard(self) -> set[S]:
        """Drop all that waits; whose durable events were among it."""
        lost = {seat for item, seat in self._items if seat and item.kind is Kind.DURABLE}
        for item, _ in self._items:
            self._drop(item)
        self._items.clear()
        self._bytes = 0
        return lost

    def _fuller_than(self, share: float, more: int = 0) -> bool:
        return (
            len(self._items) >= self._pressure.capacity * share
            or self._bytes + more > self._pressure.byte_limit * share
        )

    def _join(self, item: Item) -> bool:
        """Let a delta be part of the one before, which waits as the last one."""
        last, seat = self._items[-1] if self._items else (None, None)
        if last is None or last.text is None or item.text is None:
            return False
        text = last.text.with_next(item.text)
        if text is None or len(text.content) + len(text.reasoning) > JOINED_CHARACTERS:
            return False
        joined = Item(Kind.DELTA, text.frame(), item.answer, text)
        self._items[-1] = (joined, seat)
        self._bytes += len(joined.frame) - len(last.frame)
        return True

    def _drop(self, item: Item) -> None:
        self._pressure.dropped[item.kind] += 1
        if item.answer is not None:
            self.behind = (self.behind or set()) | {item.answer}

    def _make_room(self, kind: Kind, size: int) -> bool:
        for victim in self._pressure.droppable:
            if victim >= kind:
                return False
            self._drop_all(victim)
            if not self._fuller_than(1, size):
                return True
        return False

    def _drop_all(self, kind: Kind) -> None:
        for item, _ in self._items:
            if item.kind is kind:
                self._drop(item)
        self._items = [(item, seat) for item, seat in self._items if item.kind is not kind]
        self._bytes = sum(len(item.frame) for item, _ in self._items)
