"""One open stream: who reads, what waits for it, and its seats in conversations."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from rustygpt_server.realtime.send_queue import BackpressurePolicy, QueuedFrame, SendQueue
from rustygpt_shared import codec
from rustygpt_shared.events import CloseReason, ResetReason, StreamClosedPayload


@dataclass(frozen=True, slots=True)
class Identity:
    """By what right a stream is open."""

    user_id: UUID
    session_id: UUID
    session_ends_at: datetime
    """When the session ends, whatever its use."""


class SharedChunk:
    """Bytes that many streams are sent; what they become on the wire is made once, too."""

    __slots__ = ("data", "http_chunk")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.http_chunk: bytes | None = None


class Sink(Protocol):
    """Where a stream's bytes go."""

    def write(self, chunk: SharedChunk) -> bool:
        """Send at once what many are sent; False when the connection has enough to do."""

    async def send(self, data: bytes) -> None:
        """Send as soon as the connection takes it."""

    def abort(self) -> None:
        """End the connection at once, whatever was not sent."""


@dataclass(slots=True, eq=False)
class Subscription:
    """A reader's place in one conversation."""

    subscriber: "Subscriber"
    conversation_id: UUID
    cursor: int = 0
    """The number of the last event sent; kept until the reader has caught up with the channel."""
    authorized_at: int = 0
    """The event number at which the right to read was last looked at."""
    reset_reason: ResetReason | None = None
    """The reader has to load anew, and hears nothing before it was told so."""
    removed: bool = False
    """It was taken away; what waits of it is all that the reader may still be told."""


@dataclass(slots=True, eq=False)
class Subscriber:
    """An open stream, of one conversation or of all that a person is in."""

    identity: Identity
    send_queue: SendQueue[Subscription]
    all_conversations: bool = False
    """Whether it follows all conversations; its frames have no id lines then."""
    subscriptions: list[Subscription] = field(default_factory=list)
    pending: list[Subscription] = field(default_factory=list)
    """Seats that have to catch up or start over."""
    sink: Sink | None = None
    close_frame: bytes | None = None
    close_checks: int = 0
    """How often it was seen to have something left to send although it has to end."""
    removals_while_opening: dict[UUID, int] | None = None
    """While a stream of all conversations opens: removals from those it has no seat in yet."""
    writable: bool = False
    """Nothing waits, here or on the way: what comes may go straight to the connection."""
    quiet_since_tick: bool = False
    """Nothing was sent since the last beat, but what went straight."""
    keepalive_due: bool = False
    """A heartbeat is due."""
    _wakeup: asyncio.Future[None] | None = None

    @classmethod
    def create(
        cls,
        identity: Identity,
        backpressure: BackpressurePolicy,
        *,
        all_conversations: bool = False,
    ) -> "Subscriber":
        """A stream that nobody feeds yet."""
        return cls(
            identity,
            SendQueue(backpressure),
            all_conversations,
            removals_while_opening={} if all_conversations else None,
        )

    def subscription_to(self, conversation_id: UUID) -> Subscription | None:
        """Its place in a conversation."""
        matches = (seat for seat in self.subscriptions if seat.conversation_id == conversation_id)
        return next(matches, None)

    def send(
        self,
        item: QueuedFrame,
        chunk: SharedChunk | None = None,
        subscription: Subscription | None = None,
    ) -> None:
        """Hand on an event now, or queue it; `piece` is its frame as others are sent it too."""
        if self.writable and self.sink and self.sink.write(chunk or SharedChunk(item.frame)):
            return
        self.enqueue(item, subscription)

    def enqueue(self, item: QueuedFrame, subscription: Subscription | None = None) -> None:
        """Let an event wait, or note that the reader is too slow to be told everything."""
        if self.close_frame or (subscription and subscription.reset_reason):
            return
        if not self.send_queue.push(item, subscription):
            for lost in self.send_queue.clear() | ({subscription} if subscription else set()):
                self.request_reset(lost, "overflow")
        self.wake()

    def request_reset(self, subscription: Subscription, reason: ResetReason) -> None:
        """Note that events are missing which the reader cannot be told any more."""
        if subscription.reset_reason is None:
            subscription.reset_reason = reason
            if subscription not in self.pending:
                self.pending.append(subscription)
        self.wake()

    def tick(self) -> None:
        """Let a heartbeat be sent if nothing was since the last beat.

        One beat for all streams, and no timer for each, which would be set anew with every event.
        """
        if self.quiet_since_tick:
            self.keepalive_due = True
            self.wake()
        self.quiet_since_tick = True

    def close(self, reason: CloseReason, retry_ms: int | None = None) -> None:
        """End the stream after what waits for it was sent."""
        if self.close_frame is None:
            self.close_frame = encode_close_frame(reason, retry_ms)
            self.wake()

    def wake(self) -> None:
        """Wake whoever sends."""
        self.writable = False
        if self._wakeup is not None and not self._wakeup.done():
            self._wakeup.set_result(None)

    async def wait(self) -> None:
        """Wait for something to do; meanwhile events may go straight to the connection."""
        self._wakeup = asyncio.get_running_loop().create_future()
        self.writable = self.sink is not None
        try:
            await self._wakeup
        finally:
            self.writable, self._wakeup = False, None


def encode_close_frame(reason: CloseReason, retry_ms: int | None = None) -> bytes:
    """`stream.closed`, with the time to wait before a new attempt."""
    retry = f"retry: {retry_ms}\n" if retry_ms is not None else ""
    return retry.encode() + codec.sse_frame(
        "stream.closed", codec.encode(StreamClosedPayload(reason))
    )
