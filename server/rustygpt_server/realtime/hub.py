"""The hub: sends every event to the subscribers of its conversation, here and in other processes.

It encodes a frame once, never waits for a subscriber, and keeps no state for conversations without
one. How a stream catches up is in `stream_loop`, when streams end in `registry`.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol
from uuid import UUID

from rustygpt_server.db.rows import EventRecord
from rustygpt_server.realtime.answer_status import AnswerStatusChanged
from rustygpt_server.realtime.backplane import Backplane
from rustygpt_server.realtime.backplane_messages import UnloggedEvents
from rustygpt_server.realtime.catchup import CatchUp
from rustygpt_server.realtime.channel import Channel, encode_event
from rustygpt_server.realtime.channels import Channels
from rustygpt_server.realtime.deltas import AnswerDelta
from rustygpt_server.realtime.event_payloads import parse_changed_message, parse_membership
from rustygpt_server.realtime.registry import Revocation, SubscriberRegistry
from rustygpt_server.realtime.ring import strip_id
from rustygpt_server.realtime.send_queue import Priority, QueuedFrame
from rustygpt_server.realtime.subscriber import SharedChunk, Subscriber
from rustygpt_server.realtime.subscription import Subscription, SubscriptionState
from rustygpt_server.runtime import Runtime
from rustygpt_server.telemetry import log
from rustygpt_shared import codec
from rustygpt_shared.events import CloseReason, ResetReason, StreamResetPayload
from rustygpt_shared.ids import event_id

_log = log(__name__)

MAX_DELETED = 100
"""How many deleted messages are remembered, to leave out deltas that arrive late."""


class LiveAnswer(Protocol):
    """An answer in progress, which a stream may join in the middle."""

    message_id: UUID
    conversation_id: UUID

    def full_text_frame(self) -> bytes | None:
        """Return one `message.delta` frame with the text so far, or None if there is none yet."""

    def status_frame(self) -> bytes | None:
        """Return one `answer.status` frame with the present state, or None if there is none yet."""


class Hub:
    """The streams of one process, and the events they get."""

    def __init__(
        self,
        channels: Channels,
        subscribers: SubscriberRegistry,
        catch_up: CatchUp,
        backplane: Backplane,
        runtime: Runtime,
        *,
        persist_events: bool,
    ) -> None:
        """`persist_events`: whether events are in the log; if not, the backplane carries them."""
        self._channels = channels
        self._subscribers = subscribers
        self._catch_up = catch_up
        self._backplane = backplane
        self._limits = runtime.limits
        self._metrics = runtime.metrics
        self._persist_events = persist_events
        self._answers: dict[UUID, dict[UUID, LiveAnswer]] = {}
        self._deleted: deque[UUID] = deque(maxlen=MAX_DELETED)
        """The messages that were deleted lately."""
        self._listeners: list[Callable[[EventRecord], None]] = []
        self._statuses_due: set[UUID] = set()
        """The conversations whose subscribers get no state of an answer before they caught up."""
        catch_up.on_caught_up(self._send_due_statuses)
        catch_up.on_rewind(subscribers.reset_conversation)
        channels.on_event(self._on_delivered)

    # Publishing

    def publish(self, conversation_id: UUID, events: Iterable[EventRecord]) -> None:
        """Send committed events to the conversation's subscribers in all processes."""
        events = list(events)
        if not events:
            return
        for event in events:
            self._metrics.events.labels(event.type).inc()
        self._backplane.publish_position(conversation_id, events[-1].number)
        if not self._persist_events:
            self._backplane.publish(UnloggedEvents(events))
        self.deliver_local(conversation_id, events)

    def deliver_local(self, conversation_id: UUID, events: Iterable[EventRecord]) -> None:
        """Send durable events to the conversation's subscribers in this process."""
        channel = self._channels.get(conversation_id)
        if channel is None:
            return
        if channel.publish(events):
            self._catch_up.confirm(channel)
        else:
            self._catch_up.schedule_gap_check(channel)

    def publish_delta(self, delta: AnswerDelta) -> None:
        """Send a part of an answer to the conversation's subscribers in all processes."""
        if self._channels.get(delta.conversation_id) is not None:
            self.deliver_delta(delta)
        self._backplane.publish(delta)

    def republish_delta(self, delta: AnswerDelta) -> None:
        """Send text to other processes that subscribers of this one got already."""
        self._backplane.publish(delta)

    def deliver_delta(self, delta: AnswerDelta) -> None:
        """Send a part of an answer to the conversation's subscribers in this process.

        Parts of an answer that was deleted meanwhile are left out.
        """
        if delta.message_id in self._deleted:
            return
        item = QueuedFrame(Priority.DELTA, delta.frame(), delta.message_id, delta)
        self._deliver(delta.conversation_id, item)

    def publish_status(self, status: AnswerStatusChanged) -> None:
        """Send the state of an answer to the conversation's subscribers in all processes."""
        self.deliver_status(status)
        self._backplane.publish(status)

    def republish_status(self, status: AnswerStatusChanged) -> None:
        """Send a state to other processes that subscribers of this one got already."""
        self._backplane.publish(status)

    def deliver_status(self, status: AnswerStatusChanged) -> None:
        """Send the state of an answer to the conversation's subscribers in this process.

        Those who may lack the answer's `message.new` get it once they have caught up.
        """
        if self.defer_statuses(status.conversation_id) or status.message_id in self._deleted:
            return
        item = QueuedFrame(Priority.TRANSIENT, status.frame(), status.message_id)
        self._deliver(status.conversation_id, item)

    def defer_statuses(self, conversation_id: UUID) -> bool:
        """Return True while subscribers here lack events; states of answers are sent after them."""
        if not self._catch_up.is_behind(conversation_id):
            return False
        self._statuses_due.add(conversation_id)
        return True

    def _send_due_statuses(self, conversation_id: UUID) -> None:
        if conversation_id in self._statuses_due:
            self._statuses_due.discard(conversation_id)
            for answer in self.answers(conversation_id):
                if frame := answer.status_frame():
                    item = QueuedFrame(Priority.TRANSIENT, frame, answer.message_id)
                    self._deliver(conversation_id, item)

    def broadcast(self, conversation_id: UUID, data: bytes) -> None:
        """Send a transient frame to the conversation's subscribers in this process."""
        self._deliver(conversation_id, QueuedFrame(Priority.TRANSIENT, data))

    def _deliver(self, conversation_id: UUID, item: QueuedFrame) -> None:
        channel = self._channels.get(conversation_id)
        if channel is not None:
            channel.broadcast(item)

    def broadcast_to_many(self, conversation_ids: Iterable[UUID], data: bytes) -> None:
        """Send a transient frame once to each subscriber, in this process, of any conversation."""
        opened = [self._channels.get(conversation_id) for conversation_id in conversation_ids]
        channels = [channel for channel in opened if channel is not None and channel.live]
        if len(channels) == 1:
            channels[0].broadcast(QueuedFrame(Priority.TRANSIENT, data))
        else:
            subscribers = {one for channel in channels for one in channel.live.values()}
            self.send_to(subscribers, data)

    def send_to_user(self, conversation_id: UUID, user_id: UUID, data: bytes) -> None:
        """Send a transient frame to one user's streams of a conversation in this process."""
        channel = self._channels.get(conversation_id)
        live = channel.live if channel else {}
        subscribers = [
            subscriber
            for subscriber in self._subscribers.by_user(user_id)
            if subscriber.subscription_to(conversation_id) in live
        ]
        self.send_to(subscribers, data)

    def send_to(self, subscribers: Iterable[Subscriber], data: bytes) -> None:
        """Send a transient frame to some streams of this process."""
        item = QueuedFrame(Priority.TRANSIENT, data)
        chunk = SharedChunk(data)
        for subscriber in subscribers:
            subscriber.send(item, chunk)

    def add_listener(self, listener: Callable[[EventRecord], None]) -> None:
        """Call a function with every durable event that this process delivers, in order."""
        self._listeners.append(listener)

    def _on_delivered(self, event: EventRecord) -> None:
        channel = self._channels.get(event.conversation_id)
        self._metrics.deliveries.inc(len(channel.live) if channel else 0)
        change = parse_membership(event)
        if channel is not None and change and change.action == "removed":
            self._revoke_with_event(channel, event, "removed", change.user_id)
        elif channel is not None and event.type == "conversation.deleted":
            self._revoke_with_event(channel, event, "deleted", None)
        self._forget_deleted(channel, event)
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:  # noqa: BLE001 - a boundary: the event is committed and delivered
                _log.error("a listener failed to handle an event", type=event.type, exc_info=True)

    def _forget_deleted(self, channel: Channel | None, event: EventRecord) -> None:
        """Stop sending the text of a message that was deleted: the log has it no more."""
        changed = parse_changed_message(event)
        if changed is None or changed.change != "deleted":
            return
        if channel is not None:
            channel.ring.clear()
        self._deleted.append(changed.message.id)
        for answer in self.answers(event.conversation_id):
            if answer.message_id == changed.message.id:
                self.unregister_answer(answer)

    # Answers in progress

    def register_answer(self, answer: LiveAnswer) -> None:
        """Let streams that go live get the state and the text of an answer so far."""
        self._answers.setdefault(answer.conversation_id, {})[answer.message_id] = answer

    def unregister_answer(self, answer: LiveAnswer) -> None:
        """Forget an answer; its final text is a durable event."""
        answers = self._answers.get(answer.conversation_id, {})
        answers.pop(answer.message_id, None)
        if not answers:
            self._answers.pop(answer.conversation_id, None)

    def answers(self, conversation_id: UUID) -> list[LiveAnswer]:
        """Return the answers in progress in a conversation."""
        return list(self._answers.get(conversation_id, {}).values())

    # Streams

    def register(self, subscriber: Subscriber) -> None:
        """Add a stream. This precedes its authorization, so that no revocation is missed."""
        self._subscribers.add(subscriber)

    def subscribe(self, subscriber: Subscriber, conversation_id: UUID) -> Subscription:
        """Create a subscription; it gets no events before it is started and has caught up."""
        self._channels.acquire(conversation_id)
        subscription = Subscription(conversation_id)
        subscriber.add(subscription)
        return subscription

    def unsubscribe(self, subscriber: Subscriber, subscription: Subscription) -> None:
        """Close a subscription."""
        subscription.close()
        subscriber.remove(subscription)
        channel = self._channels.open(subscription.conversation_id)
        channel.remove(subscription)
        self._channels.release(channel)

    def unregister(self, subscriber: Subscriber) -> None:
        """Remove a stream and close its subscriptions; does nothing the second time."""
        if self._subscribers.discard(subscriber):
            for subscription in subscriber.subscriptions:
                self.unsubscribe(subscriber, subscription)

    def _revoke_with_event(
        self, channel: Channel, event: EventRecord, reason: CloseReason, user_id: UUID | None
    ) -> None:
        """End a user's streams, or those of all, with the event of the removal as the last one."""
        channel.flush()
        revocation = Revocation(
            reason,
            user_id=user_id,
            conversation_id=event.conversation_id,
            event_number=event.number,
        )
        for subscriber, subscription in self._subscribers.revoke(revocation):
            was_delivered = subscription.state is SubscriptionState.LIVE
            self.unsubscribe(subscriber, subscription)
            if not was_delivered:  # whatever else it lacks, the removal is all it needs to know
                item = QueuedFrame(Priority.DURABLE, strip_id(encode_event(event).frame))
                subscriber.send(item, subscription=subscription)

    def revoke(self, revocation: Revocation) -> None:
        """End the streams of this process that lost their authorization.

        Streams of all conversations stay open, and only lose the conversation.
        """
        for subscriber, subscription in self._subscribers.revoke(revocation):
            self.unsubscribe(subscriber, subscription)
            frame = self.reset_frame(
                subscription.conversation_id, revocation.event_number or 0, "removed"
            )
            subscriber.send(QueuedFrame(Priority.DURABLE, frame), subscription=subscription)

    def reset_frame(
        self, conversation_id: UUID | None, position: int, reason: ResetReason
    ) -> bytes:
        """Return a `stream.reset` frame, and count it.

        `conversation_id` is named in streams of all conversations, and None in any other.
        """
        self._metrics.resets.labels(reason).inc()
        payload = codec.encode(StreamResetPayload(reason, event_id(position), conversation_id))
        resume_position = None if conversation_id else event_id(position)
        return codec.sse_frame("stream.reset", payload, resume_position=resume_position)

    def lacks(self, conversation_id: UUID, number: int) -> bool:
        """Return True if subscribers of this process did not get an event yet."""
        channel = self._channels.get(conversation_id)
        return channel is not None and (channel.position is None or channel.position < number)

    async def drain(self) -> None:
        """End every stream, and wait until they are closed."""
        await self._subscribers.drain(self._limits.shutdown_grace)
        await self._catch_up.stop()

    def subscribers_by_user(self, conversation_id: UUID) -> dict[UUID, list[Subscriber]]:
        """Return the live streams of a conversation, by user."""
        by_user: dict[UUID, list[Subscriber]] = {}
        channel = self._channels.get(conversation_id)
        for subscriber in channel.live.values() if channel else ():
            by_user.setdefault(subscriber.identity.user_id, []).append(subscriber)
        return by_user

    def statistics(self) -> dict[str, int]:
        """Return counts for logs and tests.

        Keys: `streams`, `conversations` (open channels), `ring_bytes`, `waiting_events` (queued
        frames of all streams) and `answers` (in progress).
        """
        return {
            "streams": len(self._subscribers),
            "conversations": len(self._channels),
            "ring_bytes": self._channels.ring_bytes,
            "waiting_events": sum(len(one.send_queue) for one in self._subscribers),
            "answers": sum(map(len, self._answers.values())),
        }
