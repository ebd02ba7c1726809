"""One conversation's live events: in the order of their numbers, the recent ones kept.

Tasks publish after they commit, and may come in another order than they committed; a channel holds
what is early until the gap before it is filled. What comes within one turn of the event loop is
joined once, and all readers are sent the same bytes.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from uuid import UUID

from rustygpt_server.db.rows import EventRecord
from rustygpt_server.realtime.ring import EncodedEvent, Ring, RingBudget, strip_id
from rustygpt_server.realtime.send_queue import CHUNK_BYTES, Priority, QueuedFrame
from rustygpt_server.realtime.subscriber import SharedChunk, Subscription
from rustygpt_shared import codec
from rustygpt_shared.ids import event_id

REORDER_MAX = 1_024


def encode_event(event: EventRecord) -> EncodedEvent:
    """Encode an event, once for all its readers."""
    data = codec.sse_frame(event.type, event.payload.encode(), event_id=event_id(event.number))
    return EncodedEvent(event.number, data)


class Channel:
    """Readers of a conversation, its position, and a ring of recent events."""

    def __init__(
        self,
        conversation_id: UUID,
        ring_budget: RingBudget,
        on_event: Callable[[EventRecord], None] = lambda _: None,
    ) -> None:
        self.conversation_id = conversation_id
        self._on_event = on_event
        self.position: int | None = None
        """The number of the last event handed to readers; unknown until the log was asked."""
        self.log_end = 0
        """The log is known to go as far as this number."""
        self.live: dict[Subscription, None] = {}
        """Readers that have caught up: all of them stand at `position`."""
        self._ahead: dict[Subscription, None] = {}
        """Readers that know more than was told here so far; they join at their cursor."""
        self.subscription_count = 0
        """How many readers there are, with those that still catch up."""
        self.ring = Ring(ring_budget)
        self._reorder_buffer: dict[int, EventRecord] = {}
        self._pending: list[QueuedFrame] = []

    def start(self, position: int) -> None:
        """Go on from a position of the log, when none is known yet."""
        if self.position is None:
            self.position = position
            self._deliver_in_order()

    def add_live(self, subscription: Subscription) -> None:
        """Let a reader go live that has seen all up to the channel's position, or more."""
        if subscription.cursor > (self.position or 0):
            self._ahead[subscription] = None
            return
        self.flush()
        self.live[subscription] = None

    def remove(self, subscription: Subscription) -> None:
        """Tell a reader nothing more."""
        self.live.pop(subscription, None)
        self._ahead.pop(subscription, None)

    def publish(self, events: Iterable[EventRecord]) -> bool:
        """Take events of the log; False when one before them is missing."""
        for event in events:
            if self.position is None or event.number > self.position:
                self._reorder_buffer[event.number] = event
        while len(self._reorder_buffer) > REORDER_MAX:
            del self._reorder_buffer[max(self._reorder_buffer)]
        if self.position is not None:
            self._deliver_in_order()
        return not self._reorder_buffer

    def highest_buffered(self) -> int:
        """The last number that is here but cannot be handed on, because one before is missing."""
        return max(self._reorder_buffer, default=0)

    def jump_to(self, position: int) -> None:
        """Go on from a later position; readers have to load anew what is in between.

        From an earlier one, when the log went back: then nobody knows what its events are.
        """
        self.flush()
        back = position < (self.position or 0)
        if back:
            self._reorder_buffer.clear()
        self.position = position
        self.ring.clear()
        for subscription in [*self.live, *(s for s in self._ahead if back or s.cursor < position)]:
            subscription.subscriber.request_reset(subscription, "trimmed")
        self._promote()
        self._deliver_in_order()

    def since(self, cursor: int) -> list[EncodedEvent] | None:
        """The events after a cursor, or None when the ring does not reach back so far."""
        if self.position is None or cursor > self.position:
            return None
        if cursor == self.position:
            return []
        return self.ring.since(cursor)

    def broadcast(self, item: QueuedFrame) -> None:
        """Hand an event to every reader, with all that comes in this turn of the loop."""
        if not self._pending and self.live:
            asyncio.get_running_loop().call_soon(self.flush)
        if self.live:
            self._pending.append(item)

    def flush(self) -> None:
        """Hand on what has come."""
        items, self._pending = self._pending, []
        for part in _split_chunks(items):
            self._send(part)

    def _send(self, items: list[QueuedFrame]) -> None:
        """The one loop that runs once per reader: what it does costs most of all."""
        forms: dict[bool, tuple[list[QueuedFrame], SharedChunk]] = {}
        for subscription in self.live:
            subscriber = subscription.subscriber
            if subscriber.all_conversations not in forms:
                selected = (
                    [_without_id(item) for item in items] if subscriber.all_conversations else items
                )
                forms[subscriber.all_conversations] = (
                    selected,
                    SharedChunk(b"".join(item.frame for item in selected)),
                )
            selected, chunk = forms[subscriber.all_conversations]
            if subscriber.writable and subscriber.sink is not None and subscriber.sink.write(chunk):
                continue
            for item in selected:
                subscriber.enqueue(item, subscription)

    def _deliver_in_order(self) -> None:
        position = self.position or 0
        for number in [n for n in self._reorder_buffer if n <= position]:
            del self._reorder_buffer[number]
        while (event := self._reorder_buffer.pop(position + 1, None)) is not None:
            self.position = position = position + 1
            encoded = encode_event(event)
            self.ring.append(encoded)
            self.broadcast(QueuedFrame(Priority.DURABLE, encoded.frame))
            self._on_event(event)
            if self._ahead:
                self._promote()

    def _promote(self) -> None:
        for subscription in [seat for seat in self._ahead if seat.cursor == self.position]:
            del self._ahead[subscription]
            self.add_live(subscription)


def _without_id(item: QueuedFrame) -> QueuedFrame:
    return item._replace(frame=strip_id(item.frame)) if item.priority is Priority.DURABLE else item


def _split_chunks(items: list[QueuedFrame]) -> Iterator[list[QueuedFrame]]:
    """The items in parts that a connection is handed at once."""
    part: list[QueuedFrame] = []
    size = 0
    for item in items:
        if part and size + len(item.frame) > CHUNK_BYTES:
            yield part
            part, size = [], 0
        part.append(item)
        size += len(item.frame)
    if part:
        yield part
