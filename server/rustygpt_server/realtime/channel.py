"""One conversation's live events: in the order of their numbers, the recent ones kept.

Tasks publish after they commit, and may come in another order than they committed; a channel holds
what is early until the gap before it is filled.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple
from uuid import UUID

from rustygpt_server.db.rows import Logged
from rustygpt_server.realtime.outbox import Kind
from rustygpt_server.realtime.reader import Reader
from rustygpt_shared import codec
from rustygpt_shared.ids import event_id

RING_EVENTS = 512
RING_BYTES = 1 << 18
HELD_EVENTS = 1_024


class Framed(NamedTuple):
    """A durable event as readers get it."""

    number: int
    frame: bytes


def frame(event: Logged) -> Framed:
    """Encode an event, once for all its readers."""
    data = codec.frame(event.type, event.payload.encode(), id=event_id(event.number))
    return Framed(event.number, data)


class Channel:
    """Readers of a conversation, its position, and a ring of recent events."""

    def __init__(
        self, conversation_id: UUID, on_event: Callable[[Logged], None] = lambda _: None
    ) -> None:
        self.conversation_id = conversation_id
        self._on_event = on_event
        self.position: int | None = None
        """The number of the last event handed to readers; unknown until the log was asked."""
        self.target = 0
        """The log is known to go as far as this number."""
        self.readers: set[Reader] = set()
        self._ring: deque[Framed] = deque()
        self._ring_bytes = 0
        self._held: dict[int, Logged] = {}

    def start(self, position: int) -> None:
        """Go on from a position of the log, when none is known yet."""
        if self.position is None:
            self.position = position
            self._advance()

    def publish(self, events: Iterable[Logged]) -> bool:
        """Take events of the log; False when one before them is missing."""
        for event in events:
            if self.position is None or event.number > self.position:
                self._held[event.number] = event
        while len(self._held) > HELD_EVENTS:
            del self._held[max(self._held)]
        if self.position is not None:
            self._advance()
        return not self._held

    def held_up_to(self) -> int:
        """The last number that is here but cannot be handed on, because one before is missing."""
        return max(self._held, default=0)

    def skip_to(self, position: int) -> None:
        """Go on from a later position; readers have to load anew what is in between."""
        self.position = position
        self._ring.clear()
        self._ring_bytes = 0
        for reader in self.readers:
            reader.start_over()
        self._advance()

    def since(self, cursor: int) -> list[Framed] | None:
        """The events after a cursor, or None when the ring does not reach back so far."""
        if self.position is None or cursor > self.position:
            return None
        if cursor == self.position:
            return []
        if not self._ring or self._ring[0].number > cursor + 1:
            return None
        return [event for event in self._ring if event.number > cursor]

    def tell(self, kind: Kind, data: bytes, answer: UUID | None = None) -> None:
        """Hand a passing event to every reader."""
        for reader in self.readers:
            reader.offer(kind, data, answer)

    def _advance(self) -> None:
        position = self.position or 0
        for number in [n for n in self._held if n <= position]:
            del self._held[number]
        while (event := self._held.pop(position + 1, None)) is not None:
            self.position = position = position + 1
            self._deliver(frame(event))
            self._on_event(event)

    def _deliver(self, event: Framed) -> None:
        self._keep(event)
        for reader in self.readers:
            if reader.cursor < event.number:
                reader.cursor = event.number
                reader.offer(Kind.DURABLE, event.frame)

    def _keep(self, event: Framed) -> None:
        self._ring.append(event)
        self._ring_bytes += len(event.frame)
        while len(self._ring) > RING_EVENTS or self._ring_bytes > RING_BYTES:
            self._ring_bytes -= len(self._ring.popleft().frame)
