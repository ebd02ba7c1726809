"""What waits for one reader: bounded in events and bytes, and clear about what goes first."""

from enum import IntEnum
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from rustygpt_server.realtime.deltas import AnswerDelta
from rustygpt_shared.settings import Sse

S = TypeVar("S")
"""By what events came to a reader."""

MAX_FRAME_BYTES = 1 << 20
"""More than the largest frame: an answer's text and its reasoning, 65,536 characters each, of which
JSON makes six bytes at worst."""
CHUNK_BYTES = 1 << 16
"""About so much is handed to a connection at once; the rest waits here, where it is bounded."""

MERGED_DELTA_MAX = 4_096
"""Deltas that wait are joined to one of this length at most."""


class Priority(IntEnum):
    """How dear an event is; the least dear are dropped first."""

    DELTA = 0
    TRANSIENT = 1
    DURABLE = 2


class QueuedFrame(NamedTuple):
    """An event as it waits."""

    priority: Priority
    frame: bytes
    message_id: UUID | None = None
    """The answer whose text it carries."""
    delta: AnswerDelta | None = None
    """That text, of a delta: what follows it can be joined to it."""


class BackpressurePolicy:
    """How much may wait for any reader, what may be dropped of it, and how much was."""

    def __init__(self, settings: Sse) -> None:
        self.capacity = capacity = settings.channel_capacity
        self.byte_limit = 4 * MAX_FRAME_BYTES
        self.droppable = [Priority.DELTA]
        if settings.backpressure.drop_strategy == "drop_tokens_and_system":
            self.droppable.append(Priority.TRANSIENT)
        self.warn_at = max(1, int(capacity * settings.backpressure.warn_queue_ratio))
        self.slow_count = 0
        """How often a queue grew to the length that is worth a warning."""
        self.dropped = [0] * len(Priority)


class SendQueue(Generic[S]):
    """A queue of frames. Dropping an answer's delta is remembered, to send its whole text later."""

    __slots__ = ("_backpressure", "_bytes", "_items", "truncated_answers")

    def __init__(self, backpressure: BackpressurePolicy) -> None:
        self._backpressure = backpressure
        self._items: list[tuple[QueuedFrame, S | None]] = []
        self._bytes = 0
        self.truncated_answers: set[UUID] | None = None
        """Answers of which deltas were dropped."""

    def __len__(self) -> int:
        return len(self._items)

    def push(self, item: QueuedFrame, subscription: S | None = None) -> bool:
        """Queue an event; False when a dear one finds no room, and the reader must start over."""
        priority, frame, message_id, _ = item
        if priority is Priority.DELTA and self._merge_delta(item):
            return True
        if priority is Priority.DELTA and (
            message_id in (self.truncated_answers or ()) or self._exceeds(0.5)
        ):
            self._drop(item)
            return True
        if self._exceeds(1, len(frame)) and not self._evict(priority, len(frame)):
            self._drop(item)
            return (
                priority in self._backpressure.droppable or message_id is not None
            )  # told whole, later
        self._items.append((item, subscription))
        self._bytes += len(frame)
        if len(self._items) == self._backpressure.warn_at:
            self._backpressure.slow_count += 1
        return True

    def pop_chunk(self) -> bytes:
        """What waits, in order, joined to one piece that ends with the frame that fills it."""
        size = count = 0
        for item, _ in self._items:
            size += len(item.frame)
            count += 1
            if size >= CHUNK_BYTES:
                break
        chunk = b"".join(item.frame for item, _ in self._items[:count])
        del self._items[:count]
        self._bytes -= size
        return chunk

    def clear(self) -> set[S]:
        """Drop all that waits; whose durable events were among it."""
        lost_subscriptions = {
            seat for item, seat in self._items if seat and item.priority is Priority.DURABLE
        }
        for item, _ in self._items:
            self._drop(item)
        self._items.clear()
        self._bytes = 0
        return lost_subscriptions

    def _exceeds(self, share: float, more: int = 0) -> bool:
        return (
            len(self._items) >= self._backpressure.capacity * share
            or self._bytes + more > self._backpressure.byte_limit * share
        )

    def _merge_delta(self, item: QueuedFrame) -> bool:
        """Let a delta be part of the one before, which waits as the last one."""
        last, subscription = self._items[-1] if self._items else (None, None)
        if last is None or last.delta is None or item.delta is None:
            return False
        delta = last.delta.merged_with(item.delta)
        if delta is None or len(delta.content) + len(delta.reasoning) > MERGED_DELTA_MAX:
            return False
        merged = QueuedFrame(Priority.DELTA, delta.frame(), item.message_id, delta)
        self._items[-1] = (merged, subscription)
        self._bytes += len(merged.frame) - len(last.frame)
        return True

    def _drop(self, item: QueuedFrame) -> None:
        self._backpressure.dropped[item.priority] += 1
        if item.message_id is not None:
            self.truncated_answers = (self.truncated_answers or set()) | {item.message_id}

    def _evict(self, priority: Priority, size: int) -> bool:
        for victim_priority in self._backpressure.droppable:
            if victim_priority >= priority:
                return False
            self._drop_all(victim_priority)
            if not self._exceeds(1, size):
                return True
        return False

    def _drop_all(self, priority: Priority) -> None:
        for item, _ in self._items:
            if item.priority is priority:
                self._drop(item)
        self._items = [(item, seat) for item, seat in self._items if item.priority is not priority]
        self._bytes = sum(len(item.frame) for item, _ in self._items)
