"""The recent events of conversations, for readers that come back: bounded each, and together."""

from collections import OrderedDict, deque
from typing import Final, NamedTuple

RING_EVENTS: Final = 512
RING_BYTES: Final = 1 << 18
TOTAL_RING_BYTES: Final = 1 << 26
"""What the rings of a process may hold together."""


class EncodedEvent(NamedTuple):
    """A durable event as readers get it."""

    number: int
    frame: bytes

    def frame_for(self, *, all_conversations: bool) -> bytes:
        """The frame; streams of all conversations get it without its id line."""
        return strip_id(self.frame) if all_conversations else self.frame


def strip_id(data: bytes) -> bytes:
    """A durable event's frame without its first line."""
    return data[data.index(b"\n") + 1 :]


class RingBudget:
    """All rings of a process; when they grow too large, those go that were longest quiet."""

    def __init__(self, limit: int = TOTAL_RING_BYTES) -> None:
        self._limit = limit
        self._rings: OrderedDict[Ring, None] = OrderedDict()
        self.size = 0
        """Bytes in all of them."""

    def account(self, ring: "Ring", size: int) -> None:
        """A ring is larger by so much, or smaller."""
        self.size += size
        if ring.size:
            self._rings[ring] = None
            self._rings.move_to_end(ring)
        else:
            self._rings.pop(ring, None)
        while self.size > self._limit and len(self._rings) > 1:
            next(iter(self._rings)).clear()


class Ring:
    """One conversation's recent events, without a hole."""

    __slots__ = ("_budget", "_events", "size")

    def __init__(self, budget: RingBudget) -> None:
        self._budget = budget
        self._events: deque[EncodedEvent] = deque()
        self.size = 0
        """Bytes in it."""

    def append(self, event: EncodedEvent) -> None:
        """Take the next event; the oldest go when it is full."""
        self._events.append(event)
        grown = len(event.frame)
        while len(self._events) > RING_EVENTS or self.size + grown > RING_BYTES:
            grown -= len(self._events.popleft().frame)
        self.size += grown
        self._budget.account(self, grown)

    def clear(self) -> None:
        """Forget all."""
        self._events.clear()
        lost, self.size = self.size, 0
        self._budget.account(self, -lost)

    def since(self, cursor: int) -> list[EncodedEvent] | None:
        """The events after a cursor, or None when it does not reach back so far."""
        if not self._events or self._events[0].number > cursor + 1:
            return None
        return [event for event in self._events if event.number > cursor]

    def oldest(self) -> int | None:
        """The number of the first event in it."""
        return self._events[0].number if self._events else None
