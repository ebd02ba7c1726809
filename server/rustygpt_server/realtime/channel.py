"""One conversation's live events: in the order of their numbers, the recent ones kept.

Tasks publish after they commit, and may come in another order than they committed; a channel holds
what is early until the gap before it is filled. What comes within one turn of the event loop is
joined once, and all readers are sent the same bytes.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from uuid import UUID

from rustygpt_server.db.rows import Logged
from rustygpt_server.realtime.outbox import PIECE_BYTES, Item, Kind
from rustygpt_server.realtime.reader import Piece, Seat
from rustygpt_server.realtime.ring import Framed, Ring, Rings, without_id
from rustygpt_shared import codec
from rustygpt_shared.ids import event_id

HELD_EVENTS = 1_024


def frame(event: Logged) -> Framed:
    """Encode an event, once for all its readers."""
    data = codec.frame(event.type, event.payload.encode(), id=event_id(event.number))
    return Framed(event.number, data)


class Channel:
    """Readers of a conversation, its position, and a ring of recent events."""

    def __init__(
        self,
        conversation_id: UUID,
        rings: Rings,
        on_event: Callable[[Logged], None] = lambda _: None,
    ) -> None:
        self.conversation_id = conversation_id
        self._on_event = on_event
        self.position: int | None = None
        """The number of the last event handed to readers; unknown until the log was asked."""
        self.target = 0
        """The log is known to go as far as this number."""
        self.seats: dict[Seat, None] = {}
        """Readers that have caught up: all of them stand at `position`."""
        self._early: dict[Seat, None] = {}
        """Readers that know more than was told here so far; they join at their cursor."""
        self.interest = 0
        """How many readers there are, with those that still catch up."""
        self.ring = Ring(rings)
        self._held: dict[int, Logged] = {}
        self._pending: list[Item] = []

    def start(self, position: int) -> None:
        """Go on from a position of the log, when none is known yet."""
        if self.position is None:
            self.position = position
            self._advance()

    def seat(self, seat: Seat) -> None:
        """Let a reader go live that has seen all up to the channel's position, or more."""
        if seat.cursor > (self.position or 0):
            self._early[seat] = None
            return
        self.flush()
        self.seats[seat] = None

    def unseat(self, seat: Seat) -> None:
        """Tell a reader nothing more."""
        self.seats.pop(seat, None)
        self._early.pop(seat, None)

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
        """Go on from a later position; readers have to load anew what is in between.

        From an earlier one, when the log went back: then nobody knows what its events are.
        """
        self.flush()
        back = position < (self.position or 0)
        if back:
            self._held.clear()
        self.position = position
        self.ring.clear()
        for seat in [*self.seats, *(s for s in self._early if back or s.cursor < position)]:
            seat.reader.start_over(seat, "trimmed")
        self._admit()
        self._advance()

    def since(self, cursor: int) -> list[Framed] | None:
        """The events after a cursor, or None when the ring does not reach back so far."""
        if self.position is None or cursor > self.position:
            return None
        if cursor == self.position:
            return []
        return self.ring.since(cursor)

    def tell(self, item: Item) -> None:
        """Hand an event to every reader, with all that comes in this turn of the loop."""
        if not self._pending and self.seats:
            asyncio.get_running_loop().call_soon(self.flush)
        if self.seats:
            self._pending.append(item)

    def flush(self) -> None:
        """Hand on what has come."""
        items, self._pending = self._pending, []
        for part in _parts(items):
            self._send(part)

    def _send(self, items: list[Item]) -> None:
        """The one loop that runs once per reader: what it does costs most of all."""
        forms: dict[bool, tuple[list[Item], Piece]] = {}
        for seat in self.seats:
            reader = seat.reader
            if reader.whole not in forms:
                told = [_bare(item) for item in items] if reader.whole else items
                forms[reader.whole] = told, Piece(b"".join(item.frame for item in told))
            told, piece = forms[reader.whole]
            if reader.direct and reader.sink is not None and reader.sink.write(piece):
                continue
            for item in told:
                reader.queue(item, seat)

    def _advance(self) -> None:
        position = self.position or 0
        for number in [n for n in self._held if n <= position]:
            del self._held[number]
        while (event := self._held.pop(position + 1, None)) is not None:
            self.position = position = position + 1
            framed = frame(event)
            self.ring.keep(framed)
            self.tell(Item(Kind.DURABLE, framed.frame))
            self._on_event(event)
            if self._early:
                self._admit()

    def _admit(self) -> None:
        for seat in [seat for seat in self._early if seat.cursor == self.position]:
            del self._early[seat]
            self.seat(seat)


def _bare(item: Item) -> Item:
    return item._replace(frame=without_id(item.frame)) if item.kind is Kind.DURABLE else item


def _parts(items: list[Item]) -> Iterator[list[Item]]:
    """The items in parts that a connection is handed at once."""
    part: list[Item] = []
    size = 0
    for item in items:
        if part and size + len(item.frame) > PIECE_BYTES:
            yield part
            part, size = [], 0
        part.append(item)
        size += len(item.frame)
    if part:
        yield part
