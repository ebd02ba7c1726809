"""The live events of one conversation: put in order, kept in a ring, sent to its subscribers.

Tasks publish after they commit, and may do so in another order than that of the commits. A channel
holds events that are early in a reorder buffer until the gap before them is filled. All frames of
one iteration of the event loop are joined once, and every subscriber is sent the same bytes.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from uuid import UUID

from rustygpt_server.db.rows import EventRecord
from rustygpt_server.realtime.ring import EncodedEvent, Ring, RingBudget, strip_id
from rustygpt_server.realtime.send_queue import CHUNK_BYTES, Priority, QueuedFrame
from rustygpt_server.realtime.subscriber import SharedChunk, Subscriber
from rustygpt_server.realtime.subscription import Subscription, SubscriptionState
from rustygpt_shared import codec
from rustygpt_shared.ids import event_id

REORDER_MAX = 1_024
"""The largest reorder buffer; beyond it the latest events are dropped, and read from the log
later."""


def encode_event(event: EventRecord) -> EncodedEvent:
    """Encode an event as a frame, once for all its subscribers."""
    frame = codec.sse_frame(event.type, event.payload.encode(), event_id=event_id(event.number))
    return EncodedEvent(event.number, frame)


class Channel:
    """The subscribers of one conversation, its position, and a ring of recent events."""

    def __init__(
        self,
        conversation_id: UUID,
        ring_budget: RingBudget,
        on_event: Callable[[EventRecord], None] = lambda _: None,
    ) -> None:
        self.conversation_id = conversation_id
        self._on_event = on_event
        self.position: int | None = None
        """The number of the last event delivered; None until the log was queried."""
        self.log_end = 0
        """The highest event number that the log is known to have."""
        self.live: dict[Subscription, Subscriber] = {}
        """Subscriptions that have caught up with `position`: LIVE ones, and RESETTING ones whose
        reset frame was not sent yet."""
        self._ahead: dict[Subscription, Subscriber] = {}
        """Subscriptions whose cursor is beyond `position`, and RESETTING ones that were."""
        self.subscription_count = 0
        """How many subscriptions are open, in any state."""
        self.ring = Ring(ring_budget)
        self._reorder_buffer: dict[int, EventRecord] = {}
        self._outgoing: list[QueuedFrame] = []
        """The frames of this iteration of the event loop."""

    def start(self, position: int) -> None:
        """Set the position, if it is not known yet."""
        if self.position is None:
            self.position = position
            self._deliver_in_order()

    def join(self, subscription: Subscription, subscriber: Subscriber) -> None:
        """Make a subscription live whose cursor has reached the position, or let it wait ahead."""
        if subscription.cursor > (self.position or 0):
            subscription.wait_ahead()
            self._ahead[subscription] = subscriber
        else:
            self._go_live(subscription, subscriber)

    def remove(self, subscription: Subscription) -> None:
        """Deliver nothing more to a subscription."""
        self.live.pop(subscription, None)
        self._ahead.pop(subscription, None)

    def publish(self, events: Iterable[EventRecord]) -> bool:
        """Deliver events of the log; return False if one before them is missing."""
        for event in events:
            if self.position is None or event.number > self.position:
                self._reorder_buffer[event.number] = event
        while len(self._reorder_buffer) > REORDER_MAX:
            del self._reorder_buffer[max(self._reorder_buffer)]
        if self.position is not None:
            self._deliver_in_order()
        return not self._reorder_buffer

    def highest_buffered(self) -> int:
        """Return the highest event number in the reorder buffer, or 0 if it is empty."""
        return max(self._reorder_buffer, default=0)

    def jump_to(self, position: int) -> None:
        """Continue at a position that does not follow the present one; subscriptions reset.

        Forward, because the events between were lost. Backward, because the log was restored to an
        earlier state: then later events in the reorder buffer and at clients are invalid too.
        """
        self.flush()
        is_backward = position < (self.position or 0)
        if is_backward:
            self._reorder_buffer.clear()
        self.position = position
        self.ring.clear()
        for subscription, subscriber in (self.live | self._ahead).items():
            if is_backward or subscription in self.live or subscription.cursor < position:
                subscriber.request_reset(subscription, "trimmed")
        self._promote()
        self._deliver_in_order()

    def since(self, cursor: int) -> list[EncodedEvent] | None:
        """Return the events after a cursor, or None if the ring does not have all of them."""
        if self.position is None or cursor > self.position:
            return None
        if cursor == self.position:
            return []
        return self.ring.since(cursor)

    def broadcast(self, item: QueuedFrame) -> None:
        """Send a frame to every live subscriber, with all others of this event loop iteration."""
        if not self._outgoing and self.live:
            asyncio.get_running_loop().call_soon(self.flush)
        if self.live:
            self._outgoing.append(item)

    def flush(self) -> None:
        """Send the frames of this iteration of the event loop now."""
        items = self._outgoing
        self._outgoing = []
        for part in _split_chunks(items):
            self._send(part)

    def _send(self, items: list[QueuedFrame]) -> None:
        """Send frames to every live subscriber.

        This loop runs once per delivery and dominates the CPU time of a server: measure any change
        with `python -m tests.benchmarks peers`.
        """
        forms: dict[bool, tuple[list[QueuedFrame], SharedChunk]] = {}
        for subscription, subscriber in self.live.items():
            form = forms.get(subscriber.all_conversations)
            if form is None:
                form = _form(items, all_conversations=subscriber.all_conversations)
                forms[subscriber.all_conversations] = form
            sink = subscriber.sink
            if subscriber.writable and sink is not None and sink.write(form[1]):
                continue
            for item in form[0]:
                subscriber.enqueue(item, subscription)

    def _deliver_in_order(self) -> None:
        position = self.position or 0
        for number in [n for n in self._reorder_buffer if n <= position]:
            del self._reorder_buffer[number]
        while (event := self._reorder_buffer.pop(position + 1, None)) is not None:
            position += 1
            self.position = position
            encoded = encode_event(event)
            self.ring.append(encoded)
            self.broadcast(QueuedFrame(Priority.DURABLE, encoded.frame))
            self._on_event(event)
            if self._ahead:
                self._promote()

    def _promote(self) -> None:
        """Make live every subscription whose cursor equals the position."""
        reached = [one for one in self._ahead if one.cursor == self.position]
        for subscription in reached:
            subscriber = self._ahead.pop(subscription)
            if subscription.state is SubscriptionState.AHEAD:
                self._go_live(subscription, subscriber)

    def _go_live(self, subscription: Subscription, subscriber: Subscriber) -> None:
        self.flush()  # frames collected so far go only to subscriptions that are live already
        subscription.go_live()
        self.live[subscription] = subscriber


def _form(
    items: list[QueuedFrame], *, all_conversations: bool
) -> tuple[list[QueuedFrame], SharedChunk]:
    """Return the frames, and their bytes joined, as one kind of stream gets them."""
    frames = [_without_id(item) for item in items] if all_conversations else items
    return frames, SharedChunk(b"".join(item.frame for item in frames))


def _without_id(item: QueuedFrame) -> QueuedFrame:
    return item._replace(frame=strip_id(item.frame)) if item.priority is Priority.DURABLE else item


def _split_chunks(items: list[QueuedFrame]) -> Iterator[list[QueuedFrame]]:
    """Split the frames into parts of up to CHUNK_BYTES."""
    part: list[QueuedFrame] = []
    size = 0
    for item in items:
        if part and size + len(item.frame) > CHUNK_BYTES:
            yield part
            part = []
            size = 0
        part.append(item)
        size += len(item.frame)
    if part:
        yield part
