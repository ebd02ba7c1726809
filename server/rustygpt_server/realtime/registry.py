"""Every open stream of this process: how many there are, and which of them end when and why.

What they are sent is the business of channels.
"""

import asyncio
import random
from collections.abc import Iterator
from contextlib import suppress
from uuid import UUID

from msgspec import Struct

from rustygpt_server.realtime.send_queue import BackpressurePolicy, Priority
from rustygpt_server.realtime.subscriber import Subscriber, Subscription
from rustygpt_server.runtime import Runtime
from rustygpt_server.telemetry import log
from rustygpt_shared.events import CloseReason
from rustygpt_shared.settings import Sse

_log = log(__name__)

MAX_CLOSE_CHECKS = 3
"""A stream that has to end and was looked at so often is cut."""
WHEEL_SLOTS = 16
"""Heartbeats go out in so many groups: thousands at once would hold up everything else."""


class Revocation(Struct, frozen=True):
    """Streams that lost their right: those for which all that is named here is true."""

    reason: CloseReason
    user_id: UUID | None = None
    session_id: UUID | None = None
    conversation_id: UUID | None = None
    event_number: int | None = None
    """With a conversation: the event that tells of it; a right looked at later is a newer one."""


class SubscriberRegistry:
    """The open streams."""

    def __init__(self, settings: Sse, runtime: Runtime) -> None:
        self.draining = False
        self._settings = settings
        self._clock = runtime.clock
        self._metrics = runtime.metrics
        self.backpressure = BackpressurePolicy(settings)
        self._open: set[Subscriber] = set()
        self._timing_wheel: list[set[Subscriber]] = [set() for _ in range(WHEEL_SLOTS)]
        self.tick_seconds = settings.heartbeat_seconds / 2 / WHEEL_SLOTS
        """How often `beat` wants to be called."""
        self._last_tick = int(runtime.clock.monotonic() / self.tick_seconds)
        self._by_user: dict[UUID, set[Subscriber]] = {}
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Subscriber]:
        return iter(list(self._open))

    def is_full_for(self, user_id: UUID) -> bool:
        """Whether one more stream of this person would be too many."""
        return (
            self.draining
            or len(self._open) >= self._settings.max_streams
            or len(self._by_user.get(user_id, ())) >= self._settings.max_streams_per_user
        )

    def by_user(self, user_id: UUID) -> list[Subscriber]:
        """A person's open streams."""
        return list(self._by_user.get(user_id, ()))

    def add(self, subscriber: Subscriber) -> None:
        """Count a stream."""
        min(self._timing_wheel, key=len).add(subscriber)
        self._open.add(subscriber)
        self._by_user.setdefault(subscriber.identity.user_id, set()).add(subscriber)
        self._empty.clear()
        self._metrics.connections.inc()

    def discard(self, subscriber: Subscriber) -> bool:
        """Forget a stream; False when it was forgotten before."""
        if subscriber not in self._open:
            return False
        self._open.discard(subscriber)
        for slot in self._timing_wheel:
            slot.discard(subscriber)
        own = self._by_user[subscriber.identity.user_id]
        own.discard(subscriber)
        if not own:
            del self._by_user[subscriber.identity.user_id]
        if not self._open:
            self._empty.set()
        self._metrics.connections.dec()
        return True

    def revoke(self, revocation: Revocation) -> list[Subscription]:
        """End the streams for which all is true that is named.

        Answers the seats that streams of all conversations lose, and go on without.
        """
        subscribers = (
            self._open if revocation.user_id is None else self._by_user.get(revocation.user_id, ())
        )
        lost = []
        for subscriber in subscribers:
            if revocation.session_id not in (None, subscriber.identity.session_id):
                continue
            if revocation.conversation_id is None:
                subscriber.close(revocation.reason)
                continue
            _record_removal(revocation, subscriber)
            subscription = subscriber.subscription_to(revocation.conversation_id)
            if subscription is None or (
                revocation.event_number is not None
                and subscription.authorized_at >= revocation.event_number
            ):
                continue  # no seat, or one by a newer right
            if subscriber.all_conversations:
                lost.append(subscription)
            else:
                subscriber.close(revocation.reason)
        return lost

    def reset_conversation(self, conversation_id: UUID, number: int) -> None:
        """Have all readers of a conversation load anew, also those that are not live yet.

        Its log went back to a number: they know later ones that others get now.
        """
        for subscriber in self._open:
            if subscription := subscriber.subscription_to(conversation_id):
                subscription.authorized_at = min(subscription.authorized_at, number)
                subscriber.request_reset(subscription, "trimmed")

    def close_expired(self) -> None:
        """End the streams whose session has reached its absolute end."""
        now = self._clock.now()
        for subscriber in self._open:
            if subscriber.identity.session_ends_at <= now:
                subscriber.close("session_ended")

    def abort_overdue(self) -> None:
        """Cut the streams whose readers are too slow to be told that it is over.

        To be called several times in the two seconds that a right may outlive its end.
        """
        for subscriber in self._open:
            if subscriber.close_frame is not None:
                subscriber.close_checks += 1
                if subscriber.close_checks >= MAX_CLOSE_CHECKS and subscriber.sink is not None:
                    subscriber.sink.abort()

    def tick(self) -> None:
        """Let silent streams send a heartbeat: each is looked at twice in the longest silence."""
        now = int(self._clock.monotonic() / self.tick_seconds)
        for slot_number in range(max(self._last_tick, now - WHEEL_SLOTS) + 1, now + 1):
            for subscriber in self._timing_wheel[slot_number % WHEEL_SLOTS]:
                subscriber.tick()
        self._last_tick = now

    async def drain(self, seconds: float) -> None:
        """End every stream, each with its own time to come back, and wait until they are gone."""
        self.draining = True
        for subscriber in self._open:
            subscriber.close("shutdown", retry_ms=self.retry_ms())
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._empty.wait()

    def retry_ms(self) -> int:
        """A time to wait before connecting again, spread so that not all come at once."""
        return random.randint(500, 3_000)  # noqa: S311 - jitter is no secret

    def flush_metrics(self) -> None:
        """Bring the counts of what was dropped up to date, and say when readers are slow."""
        slow_count, self.backpressure.slow_count = self.backpressure.slow_count, 0
        if slow_count:
            self._metrics.slow_readers.inc(slow_count)
            _log.warning("readers are slow", times=slow_count, streams=len(self._open))
        for priority in Priority:
            count, self.backpressure.dropped[priority] = self.backpressure.dropped[priority], 0
            if count:
                self._metrics.dropped.labels(priority.name.lower()).inc(count)


def _record_removal(revocation: Revocation, subscriber: Subscriber) -> None:
    if subscriber.removals_while_opening is not None and revocation.conversation_id:
        known = subscriber.removals_while_opening.get(revocation.conversation_id, 0)
        subscriber.removals_while_opening[revocation.conversation_id] = max(
            known, revocation.event_number or 0
        )
