"""The recent events of conversations, for streams that reconnect; bounded each and in total."""

from collections import OrderedDict, deque
from typing import Final, NamedTuple

RING_EVENTS: Final = 512
RING_BYTES: Final = 1 << 18
TOTAL_RING_BYTES: Final = 1 << 26
"""The limit of all rings of a process together."""


class EncodedEvent(NamedTuple):
    """A durable event as a frame."""

    number: int
    frame: bytes

    def frame_for(self, *, all_conversations: bool) -> bytes:
        """Return the frame; streams of all conversations get it without its id line."""
        return strip_id(self.frame) if all_conversations else self.frame


def strip_id(frame: bytes) -> bytes:
    """Return a durable event's frame without its first line, which is the id."""
    return frame[frame.index(b"\n") + 1 :]


class RingBudget:
    """The memory budget of all rings; over the limit, rings without news longest are cleared."""

    def __init__(self, limit: int = TOTAL_RING_BYTES) -> None:
        self._limit = limit
        self._rings: OrderedDict[Ring, None] = OrderedDict()
        self.size = 0
        """Bytes in all rings."""

    def account(self, ring: "Ring", size: int) -> None:
        """Add `size` bytes, which may be negative, to the total, because a ring changed."""
        self.size += size
        if ring.size:
            self._rings[ring] = None
            self._rings.move_to_end(ring)
        else:
            self._rings.pop(ring, None)
        while self.size > self._limit and len(self._rings) > 1:
            next(iter(self._rings)).clear()


class Ring:
    """The recent events of one conversation, without gaps."""

    __slots__ = ("_budget", "_events", "size")

    def __init__(self, budget: RingBudget) -> None:
        self._budget = budget
        self._events: deque[EncodedEvent] = deque()
        self.size = 0
        """Bytes in this ring."""

    def append(self, event: EncodedEvent) -> None:
        """Add the next event, and drop the oldest ones while the ring is too large."""
        self._events.append(event)
        growth = len(event.frame)
        while len(self._events) > RING_EVENTS or self.size + growth > RING_BYTES:
            growth -= len(self._events.popleft().frame)
        self.size += growth
        self._budget.account(self, growth)

    def clear(self) -> None:
        """Drop all events."""
        self._events.clear()
        dropped_bytes = self.size
        self.size = 0
        self._budget.account(self, -dropped_bytes)

    def since(self, cursor: int) -> list[EncodedEvent] | None:
        """Return the events after a cursor, or None if some of them were dropped already."""
        if not self._events or self._events[0].number > cursor + 1:
            return None
        return [event for event in self._events if event.number > cursor]

    def oldest(self) -> int | None:
        """Return the number of the oldest event, or None if the ring is empty."""
        return self._events[0].number if self._events else None
