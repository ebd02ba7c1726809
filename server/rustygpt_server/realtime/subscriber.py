"""One open stream: its user, its send queue, its subscriptions, and the sink it writes to.

What each subscription may do next is in `subscription`; which streams exist is in `registry`.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from rustygpt_server.realtime.send_queue import BackpressurePolicy, QueuedFrame, SendQueue
from rustygpt_server.realtime.subscription import Subscription
from rustygpt_shared import codec
from rustygpt_shared.events import CloseReason, ResetReason, StreamClosedPayload


@dataclass(frozen=True, slots=True)
class Identity:
    """The user, and the session or personal token, that a stream was opened with."""

    user_id: UUID
    session_id: UUID
    """The id of the session, or of the personal token."""
    session_ends_at: datetime | None
    """When it ends at the latest, however much it is used; None for a token without an end."""
    generation: int = 0
    """The generation of the session's tokens, which a change of the password increases."""


class SharedChunk:
    """Bytes that are sent to many streams; their HTTP encoding is cached here."""

    __slots__ = ("data", "http_chunk")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.http_chunk: bytes | None = None
        """The bytes as an HTTP/1.1 chunk; set by the first sink that needs it."""


class Sink(Protocol):
    """The connection that a stream's bytes are written to."""

    def write(self, chunk: SharedChunk) -> bool:
        """Write bytes now; return False if the connection has too much to send already."""

    async def send(self, data: bytes) -> None:
        """Write bytes as soon as the connection accepts them."""

    def abort(self) -> None:
        """Close the connection now, and drop what was not sent."""


@dataclass(slots=True, eq=False)
class Subscriber:
    """An open stream, of one conversation or of all conversations of its user."""

    identity: Identity
    send_queue: SendQueue[Subscription]
    all_conversations: bool = False
    """True if it follows all conversations of its user; its frames have no id lines then."""
    sink: Sink | None = None
    close_frame: bytes | None = None
    """The last frame of the stream, once it has to end."""
    close_checks: int = 0
    """How many checks found the stream still open although it has to end."""
    removals_while_opening: dict[UUID, int] | None = None
    """For a stream of all conversations that is still opening: the conversations that its user was
    removed from meanwhile, each with the number of the event. None for any other stream."""
    writable: bool = False
    """True while nothing is queued or being sent: frames may be written to the sink directly."""
    quiet_since_tick: bool = False
    """True if the stream loop sent nothing since the last tick; direct writes do not count."""
    keepalive_due: bool = False
    _subscriptions: dict[UUID, Subscription] = field(default_factory=dict)
    """The subscriptions that are not closed, by conversation."""
    _pending: dict[Subscription, None] = field(default_factory=dict)
    """Every subscription that is pending, in the order of requests, and some that were."""
    _wakeup: asyncio.Future[None] | None = None

    @classmethod
    def create(
        cls,
        identity: Identity,
        backpressure: BackpressurePolicy,
        *,
        all_conversations: bool = False,
    ) -> "Subscriber":
        """Create a stream without subscriptions and without a sink."""
        return cls(
            identity,
            SendQueue(backpressure),
            all_conversations,
            removals_while_opening={} if all_conversations else None,
        )

    def subscription_to(self, conversation_id: UUID) -> Subscription | None:
        """Return the open subscription to a conversation, or None."""
        return self._subscriptions.get(conversation_id)

    @property
    def subscriptions(self) -> list[Subscription]:
        """The subscriptions that are not closed."""
        return list(self._subscriptions.values())

    def add(self, subscription: Subscription) -> None:
        """Add a subscription to a conversation that has none yet."""
        self._subscriptions[subscription.conversation_id] = subscription

    def remove(self, subscription: Subscription) -> None:
        """Remove a subscription that was closed."""
        del self._subscriptions[subscription.conversation_id]

    def next_pending(self) -> Subscription | None:
        """Return the subscription that the stream loop has to work on next, or None."""
        while self._pending:
            subscription = next(iter(self._pending))
            if subscription.is_pending:
                return subscription
            del self._pending[subscription]
        return None

    def start(self, subscription: Subscription, cursor: int) -> None:
        """Start a subscription after the event with number `cursor`."""
        subscription.start(cursor)
        self._schedule(subscription)

    def request_reset(self, subscription: Subscription, reason: ResetReason) -> None:
        """Have a subscription send `stream.reset`, because events of it were lost."""
        subscription.request_reset(reason)
        self._schedule(subscription)

    def send(
        self,
        item: QueuedFrame,
        chunk: SharedChunk | None = None,
        subscription: Subscription | None = None,
    ) -> None:
        """Write a frame to the sink, or queue it; `chunk` is the frame if others get it, too."""
        if self.writable and self.sink and self.sink.write(chunk or SharedChunk(item.frame)):
            return
        self.enqueue(item, subscription)

    def enqueue(self, item: QueuedFrame, subscription: Subscription | None = None) -> None:
        """Queue a frame; if it does not fit, clear the queue and request resets."""
        if self.close_frame or (subscription and not subscription.accepts_frames):
            return
        if not self.send_queue.push(item, subscription):
            for lost in self.send_queue.clear() | ({subscription} if subscription else set()):
                self._on_overflow(lost)
        self.wake()

    def tick(self) -> None:
        """Let the stream loop send a keepalive if it sent nothing since the last tick.

        One tick for many streams costs less than a timer for each, set again with every event.
        """
        if self.quiet_since_tick:
            self.keepalive_due = True
            self.wake()
        self.quiet_since_tick = True

    def close(self, reason: CloseReason, retry_ms: int | None = None) -> None:
        """End the stream after what is queued; the first reason stays."""
        if self.close_frame is None:
            self.close_frame = encode_close_frame(reason, retry_ms)
            self.wake()

    def wake(self) -> None:
        """Wake the stream loop; until it waits again, frames are queued."""
        self.writable = False
        if self._wakeup is not None and not self._wakeup.done():
            self._wakeup.set_result(None)

    async def wait(self) -> None:
        """Wait for work; meanwhile frames may be written to the sink directly."""
        self._wakeup = asyncio.get_running_loop().create_future()
        self.writable = self.sink is not None
        try:
            await self._wakeup
        finally:
            self.writable = False
            self._wakeup = None

    def _schedule(self, subscription: Subscription) -> None:
        self._pending[subscription] = None
        self.wake()

    def _on_overflow(self, subscription: Subscription) -> None:
        if subscription.is_closed:
            subscription.notice_lost()
        else:
            subscription.request_reset("overflow")
        self._schedule(subscription)


def encode_close_frame(reason: CloseReason, retry_ms: int | None = None) -> bytes:
    """Return a `stream.closed` frame; `retry_ms` is when to reconnect (WHATWG HTML, 9.2.6)."""
    retry = f"retry: {retry_ms}\n" if retry_ms is not None else ""
    return retry.encode() + codec.sse_frame(
        "stream.closed", codec.encode(StreamClosedPayload(reason))
    )
