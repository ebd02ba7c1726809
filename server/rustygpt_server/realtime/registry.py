"""The open streams of one process: their number, their keepalives, and when and why they end.

What streams are sent is in `channel` and `hub`.
"""

import asyncio
import random
from collections.abc import Iterator
from contextlib import suppress
from uuid import UUID

from msgspec import Struct

from rustygpt_server.realtime.send_queue import BackpressurePolicy, Priority
from rustygpt_server.realtime.subscriber import Identity, Subscriber
from rustygpt_server.realtime.subscription import Subscription
from rustygpt_server.runtime import Runtime
from rustygpt_server.telemetry import log
from rustygpt_shared.events import CloseReason
from rustygpt_shared.settings import Sse

_log = log(__name__)

MAX_CLOSE_CHECKS = 3
"""A stream that has to end is aborted if this many checks find it still open."""
WHEEL_SLOTS = 16
"""The slots of the timing wheel for keepalives: thousands at once would delay everything else."""


class Revocation(Struct, frozen=True):
    """A loss of authorization: it affects the streams that match every criterion that is set."""

    reason: CloseReason
    user_id: UUID | None = None
    session_id: UUID | None = None
    conversation_id: UUID | None = None
    event_number: int | None = None
    """With a conversation: the number of the removal's event. A subscription that was authorized at
    this number or later is not affected."""
    generation: int | None = None
    """With a session: a stream that was opened with a token of this generation is not affected."""


class SubscriberRegistry:
    """The open streams.

    Keepalives are spread over a timing wheel (Varghese & Lauck, "Hashed and Hierarchical Timing
    Wheels", 1987): each stream is in one slot, and each tick visits one slot.
    """

    def __init__(self, settings: Sse, runtime: Runtime) -> None:
        self.draining = False
        """True once the server stops: no stream is opened any more."""
        self._settings = settings
        self._clock = runtime.clock
        self._metrics = runtime.metrics
        self.backpressure = BackpressurePolicy(settings)
        self._open: set[Subscriber] = set()
        self._timing_wheel: list[set[Subscriber]] = [set() for _ in range(WHEEL_SLOTS)]
        self.tick_seconds = settings.heartbeat_seconds / 2 / WHEEL_SLOTS
        """How often `tick` has to be called."""
        self._last_tick = int(runtime.clock.monotonic() / self.tick_seconds)
        self._by_user: dict[UUID, set[Subscriber]] = {}
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Subscriber]:
        return iter(list(self._open))

    def is_full_for(self, user_id: UUID) -> bool:
        """Return True if this user may not open one more stream now."""
        return (
            self.draining
            or len(self._open) >= self._settings.max_streams
            or len(self._by_user.get(user_id, ())) >= self._settings.max_streams_per_user
        )

    def by_user(self, user_id: UUID) -> list[Subscriber]:
        """Return a user's open streams."""
        return list(self._by_user.get(user_id, ()))

    def add(self, subscriber: Subscriber) -> None:
        """Add a stream."""
        min(self._timing_wheel, key=len).add(subscriber)
        self._open.add(subscriber)
        self._by_user.setdefault(subscriber.identity.user_id, set()).add(subscriber)
        self._empty.clear()
        self._metrics.connections.inc()

    def discard(self, subscriber: Subscriber) -> bool:
        """Remove a stream; return False if it is not registered."""
        if subscriber not in self._open:
            return False
        self._open.discard(subscriber)
        for slot in self._timing_wheel:
            slot.discard(subscriber)
        of_user = self._by_user[subscriber.identity.user_id]
        of_user.discard(subscriber)
        if not of_user:
            del self._by_user[subscriber.identity.user_id]
        if not self._open:
            self._empty.set()
        self._metrics.connections.dec()
        return True

    def revoke(self, revocation: Revocation) -> list[tuple[Subscriber, Subscription]]:
        """Close the streams that a revocation affects.

        Streams of all conversations stay open; return the subscriptions that they lose, which the
        caller has to close.
        """
        candidates = (
            self._open if revocation.user_id is None else self._by_user.get(revocation.user_id, ())
        )
        lost: list[tuple[Subscriber, Subscription]] = []
        for subscriber in candidates:
            if not _concerns(revocation, subscriber.identity):
                continue
            if revocation.conversation_id is None:
                subscriber.close(revocation.reason, self._retry_after(revocation.reason))
                continue
            _record_removal(revocation, subscriber)
            subscription = subscriber.subscription_to(revocation.conversation_id)
            if subscription is None or not _affects(revocation, subscription):
                continue
            if subscriber.all_conversations:
                lost.append((subscriber, subscription))
            else:
                subscriber.close(revocation.reason)
        return lost

    def reset_conversation(self, conversation_id: UUID, number: int) -> None:
        """Reset all subscriptions to a conversation whose log went back to a number.

        Those that still catch up are included: they know events whose numbers are given again.
        """
        for subscriber in self._open:
            if subscription := subscriber.subscription_to(conversation_id):
                subscription.limit_authorization(number)
                subscriber.request_reset(subscription, "trimmed")

    def close_expired(self) -> None:
        """Close the streams whose session or token has reached its absolute end."""
        now = self._clock.now()
        for subscriber in self._open:
            ends_at = subscriber.identity.session_ends_at
            if ends_at is not None and ends_at <= now:
                subscriber.close("session_ended")

    def abort_overdue(self) -> None:
        """Abort the streams that have to end and are too slow to send their last frame.

        A stream may outlive its authorization by two seconds: in this time this method has to be
        called more than MAX_CLOSE_CHECKS times.
        """
        for subscriber in self._open:
            if subscriber.close_frame is not None:
                subscriber.close_checks += 1
                if subscriber.close_checks >= MAX_CLOSE_CHECKS and subscriber.sink is not None:
                    subscriber.sink.abort()

    def tick(self) -> None:
        """Tick the streams of every slot that is due since the last call."""
        now = int(self._clock.monotonic() / self.tick_seconds)
        for slot_number in range(max(self._last_tick, now - WHEEL_SLOTS) + 1, now + 1):
            for subscriber in self._timing_wheel[slot_number % WHEEL_SLOTS]:
                subscriber.tick()
        self._last_tick = now

    async def drain(self, seconds: float) -> None:
        """Close every stream, each with its own reconnection time, and wait until they are gone."""
        self.draining = True
        for subscriber in self._open:
            subscriber.close("shutdown", retry_ms=self.retry_ms())
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._empty.wait()

    def _retry_after(self, reason: CloseReason) -> int | None:
        """Return when to reconnect if that may succeed: the client gets its new cookies first."""
        return self.retry_ms() if reason == "password_changed" else None

    def retry_ms(self) -> int:
        """Return a random reconnection time, so that clients do not all come back at once."""
        return random.randint(500, 3_000)  # noqa: S311 - jitter is no secret

    def flush_metrics(self) -> None:
        """Add what was dropped since the last call to the metrics, and log slow streams."""
        slow_count = self.backpressure.slow_count
        self.backpressure.slow_count = 0
        if slow_count:
            self._metrics.slow_readers.inc(slow_count)
            _log.warning("streams are slow", times=slow_count, streams=len(self._open))
        for priority in Priority:
            count = self.backpressure.dropped[priority]
            self.backpressure.dropped[priority] = 0
            if count:
                self._metrics.dropped.labels(priority.name.lower()).inc(count)


def _concerns(revocation: Revocation, identity: Identity) -> bool:
    """Return whether a stream was opened with the session and the tokens of a revocation."""
    if revocation.session_id not in (None, identity.session_id):
        return False
    return revocation.generation is None or identity.generation < revocation.generation


def _affects(revocation: Revocation, subscription: Subscription) -> bool:
    """Return False if the subscription was authorized after the removal."""
    number = revocation.event_number
    return number is None or subscription.authorized_at < number


def _record_removal(revocation: Revocation, subscriber: Subscriber) -> None:
    """Remember a removal for a stream of all conversations that is still opening."""
    if subscriber.removals_while_opening is not None and revocation.conversation_id:
        latest = subscriber.removals_while_opening.get(revocation.conversation_id, 0)
        subscriber.removals_while_opening[revocation.conversation_id] = max(
            latest, revocation.event_number or 0
        )
