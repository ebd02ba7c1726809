"""What waits for one reader: bounded in events and bytes, and clear about what goes first."""

from collections import deque
from enum import IntEnum
from uuid import UUID

FRAME_LIMIT = 1 << 20
"""More than the largest frame: an answer's text and its reasoning, 65,536 characters each, of which
JSON makes six bytes at worst."""
PIECE_BYTES = 1 << 16
"""About so much is handed to a connection at once; the rest waits here, where it is bounded."""


class Kind(IntEnum):
    """How dear an event is; the least dear are dropped first."""

    DELTA = 0
    TRANSIENT = 1
    DURABLE = 2


class Outbox:
    """A queue of frames. Dropping an answer's delta is remembered, to send its whole text later."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._byte_limit = 4 * FRAME_LIMIT
        self._items: deque[tuple[Kind, bytes]] = deque()
        self._bytes = 0
        self.behind: set[UUID] = set()
        """Answers of which deltas were dropped."""
        self.dropped: dict[Kind, int] = dict.fromkeys(Kind, 0)

    def __len__(self) -> int:
        return len(self._items)

    def put(self, kind: Kind, frame: bytes, answer: UUID | None = None) -> bool:
        """Queue a frame; False when a durable one finds no room, and the reader must start over."""
        if kind is Kind.DELTA and (answer in self.behind or self._fuller_than(0.5)):
            self._drop_delta(answer)
            return True
        if self._fuller_than(1, len(frame)) and not self._make_room(kind, len(frame)):
            self.dropped[kind] += 1
            return kind is not Kind.DURABLE
        self._items.append((kind, frame))
        self._bytes += len(frame)
        return True

    def take(self) -> bytes:
        """What waits, in order, joined to one piece that ends with the frame that fills it."""
        taken: list[bytes] = []
        size = 0
        while self._items and size < PIECE_BYTES:
            _, frame = self._items.popleft()
            taken.append(frame)
            size += len(frame)
        self._bytes -= size
        return b"".join(taken)

    def discard(self) -> None:
        """Drop all that waits."""
        for kind, _ in self._items:
            self.dropped[kind] += 1
        self._items.clear()
        self._bytes = 0

    def settle(self) -> dict[Kind, int]:
        """How much was dropped since this was asked the last time."""
        dropped, self.dropped = self.dropped, dict.fromkeys(Kind, 0)
        return dropped

    def _fuller_than(self, share: float, more: int = 0) -> bool:
        return (
            len(self._items) >= self._capacity * share
            or self._bytes + more > self._byte_limit * share
        )

    def _drop_delta(self, answer: UUID | None) -> None:
        self.dropped[Kind.DELTA] += 1
        if answer is not None:
            self.behind.add(answer)

    def _make_room(self, kind: Kind, size: int) -> bool:
        for victim in range(Kind.DELTA, kind):
            kept = deque(item for item in self._items if item[0] != victim)
            self.dropped[Kind(victim)] += len(self._items) - len(kept)
            self._items = kept
            self._bytes = sum(len(frame) for _, frame in kept)
            if not self._fuller_than(1, size):
                return True
        return False
