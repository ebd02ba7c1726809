"""The queue of frames for one slow stream: bounded in frames and bytes, with priorities.

When it is full, frames of lower priority are dropped first. What happens to a subscription whose
durable events were dropped is in `subscriber`.
"""

from enum import IntEnum
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from rustygpt_server.realtime.deltas import AnswerDelta
from rustygpt_shared.settings import Sse

S = TypeVar("S")
"""The subscription that a frame was queued for."""

MAX_FRAME_BYTES = 1 << 20
"""More than the largest frame: an answer's text and its reasoning have up to 65,536 characters
each, and JSON encodes a character in six bytes at most."""
CHUNK_BYTES = 1 << 16
"""About how many bytes a connection is given at once; the rest waits here, where it is bounded."""

MERGED_DELTA_MAX = 4_096
"""Queued deltas are merged up to this number of characters."""


class Priority(IntEnum):
    """The priority of a frame; the lowest are dropped first."""

    DELTA = 0
    TRANSIENT = 1
    DURABLE = 2


class QueuedFrame(NamedTuple):
    """A frame, and what is needed to drop it or to merge it with the next one."""

    priority: Priority
    frame: bytes
    message_id: UUID | None = None
    """The answer whose text it carries."""
    delta: AnswerDelta | None = None
    """For a delta: the text itself, so that the next delta can be merged with it."""


class BackpressurePolicy:
    """The limits of every send queue, and the counts of what was dropped because of them."""

    def __init__(self, settings: Sse) -> None:
        self.capacity = settings.channel_capacity
        self.byte_limit = 4 * MAX_FRAME_BYTES
        self.droppable = [Priority.DELTA]
        """Which frames may be dropped without a reset, lowest priority first."""
        if settings.backpressure.drop_strategy == "drop_tokens_and_system":
            self.droppable.append(Priority.TRANSIENT)
        self.warn_at = max(1, int(self.capacity * settings.backpressure.warn_queue_ratio))
        self.slow_count = 0
        """How often a queue grew to `warn_at` frames since the last report."""
        self.dropped = [0] * len(Priority)
        """How many frames of each priority were dropped since the last report."""


class SendQueue(Generic[S]):
    """A bounded queue of frames, each with the subscription it belongs to, if any."""

    __slots__ = ("_backpressure", "_bytes", "_items", "truncated_answers")

    def __init__(self, backpressure: BackpressurePolicy) -> None:
        self._backpressure = backpressure
        self._items: list[tuple[QueuedFrame, S | None]] = []
        self._bytes = 0
        self.truncated_answers: set[UUID] | None = None
        """Answers of which deltas were dropped; their full text has to be sent later."""

    def __len__(self) -> int:
        return len(self._items)

    def push(self, item: QueuedFrame, subscription: S | None = None) -> bool:
        """Queue a frame, or drop it if that does no harm.

        Return False if a frame that must not be dropped does not fit: the subscriber has to reset.
        """
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
            # The full text of an answer is sent again later.
            return priority in self._backpressure.droppable or message_id is not None
        self._items.append((item, subscription))
        self._bytes += len(frame)
        if len(self._items) == self._backpressure.warn_at:
            self._backpressure.slow_count += 1
        return True

    def pop_chunk(self) -> bytes:
        """Remove frames up to the one that reaches CHUNK_BYTES, and return them joined."""
        size = 0
        count = 0
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
        """Drop all frames, and return the subscriptions that lost durable events."""
        lost_subscriptions = {
            subscription
            for item, subscription in self._items
            if subscription and item.priority is Priority.DURABLE
        }
        for item, _ in self._items:
            self._drop(item)
        self._items.clear()
        self._bytes = 0
        return lost_subscriptions

    def _exceeds(self, share: float, added_bytes: int = 0) -> bool:
        """Return True if the queue, with more bytes, is over this share of its limits."""
        return (
            len(self._items) >= self._backpressure.capacity * share
            or self._bytes + added_bytes > self._backpressure.byte_limit * share
        )

    def _merge_delta(self, item: QueuedFrame) -> bool:
        """Merge a delta into the last frame of the queue; return False if that is not possible."""
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
        """Drop frames of lower priority until `size` bytes fit; return False if they do not."""
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
        self._items = [entry for entry in self._items if entry[0].priority is not priority]
        self._bytes = sum(len(item.frame) for item, _ in self._items)
