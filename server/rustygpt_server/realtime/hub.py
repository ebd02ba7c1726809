"""The hub: hands every event to the streams of its conversation, here and in other processes.

It encodes once, never waits for a reader, and keeps nothing of conversations that nobody reads.
How a stream is brought up to date is the business of `writer`.
"""

from collections.abc import Callable, Iterable
from typing import Protocol
from uuid import UUID

from rustygpt_server.db.rows import EventRecord
from rustygpt_server.realtime.backplane import Backplane
from rustygpt_server.realtime.backplane_messages import UnloggedEvents
from rustygpt_server.realtime.catchup import CatchUp, EventLog
from rustygpt_server.realtime.channel import Channel, encode_event
from rustygpt_server.realtime.deltas import AnswerDelta
from rustygpt_server.realtime.event_payloads import parse_membership
from rustygpt_server.realtime.memory import MemoryBackplane
from rustygpt_server.realtime.registry import Revocation, SubscriberRegistry
from rustygpt_server.realtime.ring import RingBudget, strip_id
from rustygpt_server.realtime.send_queue import Priority, QueuedFrame
from rustygpt_server.realtime.subscriber import SharedChunk, Subscriber, Subscription
from rustygpt_server.runtime import Runtime
from rustygpt_server.telemetry import log
from rustygpt_shared import codec
from rustygpt_shared.events import MembershipChangedPayload, ResetReason, StreamResetPayload
from rustygpt_shared.ids import event_id
from rustygpt_shared.settings import Sse

_log = log(__name__)


class LiveAnswer(Protocol):
    """An answer in progress, which a reader may join in the middle."""

    message_id: UUID
    conversation_id: UUID

    def full_text_frame(self) -> bytes | None:
        """One `message.delta` frame with the whole text so far; None while there is no text."""


class Hub:
    """The streams of this process."""

    def __init__(
        self,
        event_log: EventLog,
        settings: Sse,
        runtime: Runtime,
        backplane: Backplane | None = None,
    ) -> None:
        self.log = event_log
        self.backplane: Backplane = backplane or MemoryBackplane()
        self.settings = settings
        self.limits = runtime.limits
        self.metrics = runtime.metrics
        self._clock = runtime.clock
        self._channels: dict[UUID, Channel] = {}
        delivery_grace = 0 if settings.persistence.enabled else runtime.limits.log_retry
        self.catch_up = CatchUp(event_log, self._channels, runtime, delivery_grace)
        self._ring_budget = RingBudget()
        self._answers: dict[UUID, dict[UUID, LiveAnswer]] = {}
        self._idle_since: dict[UUID, float] = {}
        self.subscribers = SubscriberRegistry(settings, runtime)
        self.catch_up.on_rewind(self.subscribers.reset_conversation)
        self._listeners: list[Callable[[EventRecord], None]] = []

    # Telling

    def publish(self, conversation_id: UUID, events: Iterable[EventRecord]) -> None:
        """Hand durable events to the conversation's readers everywhere, after their commit."""
        events = list(events)
        if not events:
            return
        for event in events:
            self.metrics.events.labels(event.type).inc()
        self.backplane.publish_position(conversation_id, events[-1].number)
        if not self.settings.persistence.enabled:
            self.backplane.publish(UnloggedEvents(events))
        self.deliver_local(conversation_id, events)

    def deliver_local(self, conversation_id: UUID, events: Iterable[EventRecord]) -> None:
        """Hand durable events to the conversation's readers in this process."""
        channel = self._channels.get(conversation_id)
        if channel is None:
            return
        if channel.publish(events):
            self.catch_up.confirm(channel)
        else:
            self.catch_up.schedule_gap_check(channel)

    def schedule_log_check(self) -> None:
        """Compare open streams with the log: it may have events that nobody published."""
        self.catch_up.schedule_check()

    def publish_delta(self, delta: AnswerDelta) -> None:
        """Hand what an answer grew by to the conversation's readers everywhere."""
        if delta.conversation_id in self._channels:
            self.deliver_delta(delta)
        self.backplane.publish(delta)

    def deliver_delta(self, delta: AnswerDelta) -> None:
        """Hand what an answer grew by to the conversation's readers in this process."""
        item = QueuedFrame(Priority.DELTA, delta.frame(), delta.message_id, delta)
        self._deliver(delta.conversation_id, item)

    def broadcast(self, conversation_id: UUID, data: bytes) -> None:
        """Hand a passing event to the conversation's readers in this process."""
        self._deliver(conversation_id, QueuedFrame(Priority.TRANSIENT, data))

    def _deliver(self, conversation_id: UUID, item: QueuedFrame) -> None:
        channel = self._channels.get(conversation_id)
        if channel is not None:
            channel.broadcast(item)

    def broadcast_to_many(self, conversation_ids: Iterable[UUID], data: bytes) -> None:
        """Hand a passing event once to each reader, in this process, of any of these."""
        found = [self._channels.get(one) for one in conversation_ids]
        channels = [channel for channel in found if channel is not None and channel.live]
        if len(channels) == 1:
            channels[0].broadcast(QueuedFrame(Priority.TRANSIENT, data))
        else:
            self.send_to({seat.subscriber for one in channels for seat in one.live}, data)

    def send_to_user(self, conversation_id: UUID, user_id: UUID, data: bytes) -> None:
        """Hand a passing event to one person's streams of a conversation in this process."""
        channel = self._channels.get(conversation_id)
        subscriptions = channel.live if channel else {}
        own = self.subscribers.by_user(user_id)
        self.send_to(
            [one for one in own if one.subscription_to(conversation_id) in subscriptions], data
        )

    def send_to(self, subscribers: Iterable[Subscriber], data: bytes) -> None:
        """Hand a passing event to some streams of this process."""
        item, chunk = QueuedFrame(Priority.TRANSIENT, data), SharedChunk(data)
        for subscriber in subscribers:
            subscriber.send(item, chunk)

    def add_listener(self, listener: Callable[[EventRecord], None]) -> None:
        """Call a function with every durable event that readers of this process get, in order."""
        self._listeners.append(listener)

    def _on_delivered(self, event: EventRecord) -> None:
        channel = self._channels.get(event.conversation_id)
        self.metrics.deliveries.inc(len(channel.live) if channel else 0)
        change = parse_membership(event)
        if channel is not None and change and change.action == "removed":
            self._revoke_removed_member(channel, event, change)
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:  # noqa: BLE001 - a boundary: the event has happened, and goes on
                _log.error("an event was not understood", type=event.type, exc_info=True)

    # Answers in progress

    def register_answer(self, answer: LiveAnswer) -> None:
        """Let readers join an answer in the middle."""
        self._answers.setdefault(answer.conversation_id, {})[answer.message_id] = answer

    def unregister_answer(self, answer: LiveAnswer) -> None:
        """Forget an answer; its final text is a durable event."""
        answers = self._answers.get(answer.conversation_id, {})
        answers.pop(answer.message_id, None)
        if not answers:
            self._answers.pop(answer.conversation_id, None)

    def answers(self, conversation_id: UUID) -> list[LiveAnswer]:
        """The answers in progress in a conversation."""
        return list(self._answers.get(conversation_id, {}).values())

    # Readers

    def channel(self, conversation_id: UUID) -> Channel:
        """The conversation's channel, made when there is none yet."""
        channel = self._channels.get(conversation_id)
        if channel is None:
            channel = self._channels[conversation_id] = Channel(
                conversation_id, self._ring_budget, self._on_delivered
            )
        self._idle_since.pop(conversation_id, None)
        return channel

    def register(self, subscriber: Subscriber) -> None:
        """Count a stream, before its right is checked: what ends it meanwhile is not missed."""
        self.subscribers.add(subscriber)

    def subscribe(self, subscriber: Subscriber, conversation_id: UUID) -> Subscription:
        """Give a stream a seat in a conversation; it hears nothing before it has caught up."""
        self.channel(conversation_id).subscription_count += 1
        subscription = Subscription(subscriber, conversation_id)
        subscriber.subscriptions.append(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Take a seat away."""
        subscription.removed, subscription.reset_reason = True, None
        subscription.subscriber.subscriptions.remove(subscription)
        if subscription in subscription.subscriber.pending:
            subscription.subscriber.pending.remove(subscription)
        channel = self._channels[subscription.conversation_id]
        channel.remove(subscription)
        channel.subscription_count -= 1
        if not channel.subscription_count:
            self._mark_idle(channel)

    def unregister(self, subscriber: Subscriber) -> None:
        """Forget a stream."""
        if self.subscribers.discard(subscriber):
            for subscription in list(subscriber.subscriptions):
                self.unsubscribe(subscription)

    def _mark_idle(self, channel: Channel) -> None:
        if channel.position is None:
            self._channels.pop(channel.conversation_id, None)  # nobody got to reading it
        else:
            self._idle_since[channel.conversation_id] = self._clock.monotonic()

    def _revoke_removed_member(
        self, channel: Channel, event: EventRecord, change: MembershipChangedPayload
    ) -> None:
        """End a removed person's streams with the event that tells of it."""
        channel.flush()
        revocation = Revocation(
            "removed",
            user_id=change.user_id,
            conversation_id=event.conversation_id,
            event_number=event.number,
        )
        for subscription in self.subscribers.revoke(revocation):
            undelivered = subscription not in channel.live or subscription.reset_reason
            self.unsubscribe(subscription)
            if undelivered:  # this is all it needs to know, whatever else it lacks
                item = QueuedFrame(Priority.DURABLE, strip_id(encode_event(event).frame))
                subscription.subscriber.send(item, subscription=subscription)

    def revoke(self, revocation: Revocation) -> None:
        """End the streams of this process that lost their right; those of all go on without."""
        for subscription in self.subscribers.revoke(revocation):
            self.unsubscribe(subscription)
            frame_data = self.reset_frame(
                subscription.conversation_id, revocation.event_number or 0, "removed"
            )
            subscription.subscriber.send(
                QueuedFrame(Priority.DURABLE, frame_data), subscription=subscription
            )

    def reset_frame(
        self, conversation_id: UUID | None, position: int, reason: ResetReason
    ) -> bytes:
        """`stream.reset`; it names its conversation where a stream has several."""
        self.metrics.resets.labels(reason).inc()
        payload = codec.encode(StreamResetPayload(reason, event_id(position), conversation_id))
        resume_position = None if conversation_id else event_id(position)
        return codec.sse_frame("stream.reset", payload, resume_position=resume_position)

    def lacks(self, conversation_id: UUID, number: int) -> bool:
        """Whether readers here are still to be told an event."""
        channel = self._channels.get(conversation_id)
        return channel is not None and (channel.position is None or channel.position < number)

    async def drain(self) -> None:
        """End every stream, and wait until they are gone."""
        await self.subscribers.drain(self.limits.shutdown_grace)
        await self.catch_up.stop()

    def subscribers_by_user(self, conversation_id: UUID) -> dict[UUID, list[Subscriber]]:
        """The live streams of a conversation, by person."""
        by_user: dict[UUID, list[Subscriber]] = {}
        channel = self._channels.get(conversation_id)
        for subscription in channel.live if channel else ():
            by_user.setdefault(subscription.subscriber.identity.user_id, []).append(
                subscription.subscriber
            )
        return by_user

    def evict_idle(self) -> None:
        """Drop the recent events of conversations that nobody has read for a while."""
        horizon = self._clock.monotonic() - self.limits.ring_idle
        for conversation_id, since in list(self._idle_since.items()):
            if since <= horizon:
                del self._idle_since[conversation_id]
                self._channels.pop(conversation_id).ring.clear()

    def statistics(self) -> dict[str, int]:
        """Counts for people who look inside."""
        return {
            "streams": len(self.subscribers),
            "conversations": len(self._channels),
            "ring_bytes": self._ring_budget.size,
            "waiting_events": sum(len(reader.send_queue) for reader in self.subscribers),
            "answers": sum(map(len, self._answers.values())),
        }

    async def wait_for_log(self) -> None:
        """Wait before the log is asked again."""
        await self._clock.sleep(self.limits.log_retry)
