"""The loop that writes one stream: it catches up from the ring or the log, then waits for events.

The order of what it sends: queued frames, the last frame of a stream that ends, subscriptions that
catch up or reset, answers of which frames were dropped, a keepalive. Live events do not pass
through this loop: channels write them to the sink while it waits.
"""

from rustygpt_server.errors import Unavailable
from rustygpt_server.realtime.catchup import EventLog
from rustygpt_server.realtime.channel import Channel, encode_event
from rustygpt_server.realtime.channels import Channels
from rustygpt_server.realtime.hub import Hub, LiveAnswer
from rustygpt_server.realtime.ring import EncodedEvent
from rustygpt_server.realtime.send_queue import Priority, QueuedFrame
from rustygpt_server.realtime.subscriber import Sink, Subscriber
from rustygpt_server.realtime.subscription import Subscription, SubscriptionState
from rustygpt_server.runtime import Runtime

PAGE = 200
"""How many events are read from the log at once."""
KEEPALIVE = b":\n\n"
"""A comment line (WHATWG HTML, 9.2.5), which clients ignore."""


class StreamLoop:
    """Writes streams to their sinks."""

    def __init__(self, hub: Hub, channels: Channels, event_log: EventLog, runtime: Runtime) -> None:
        self._hub = hub
        self._channels = channels
        self._log = event_log
        self._clock = runtime.clock
        self._limits = runtime.limits
        self._metrics = runtime.metrics

    async def run(self, subscriber: Subscriber, sink: Sink) -> None:
        """Write a stream until it is closed; the caller has sent its first frames."""
        subscriber.sink = sink
        while True:
            if chunk := subscriber.send_queue.pop_chunk():
                await sink.send(chunk)
            elif subscriber.close_frame:
                await sink.send(subscriber.close_frame)
                return
            elif subscription := subscriber.next_pending():
                await self._step(subscriber, subscription, sink)
            elif subscriber.send_queue.truncated_answers:
                self._resend_truncated_answers(subscriber)
            elif subscriber.keepalive_due:
                subscriber.keepalive_due = False
                await sink.send(KEEPALIVE)
            else:
                await subscriber.wait()
                continue
            subscriber.quiet_since_tick = False

    async def _step(self, subscriber: Subscriber, subscription: Subscription, sink: Sink) -> None:
        """Take a pending subscription one step further."""
        if subscription.state is SubscriptionState.NOTICE_DUE:
            await sink.send(self._removed_frame(subscriber, subscription))
        elif subscription.state is SubscriptionState.RESETTING:
            await sink.send(self._reset_frame(subscriber, subscription))
        else:
            await self._catch_up_step(subscriber, subscription, sink)

    async def _catch_up_step(
        self, subscriber: Subscriber, subscription: Subscription, sink: Sink
    ) -> None:
        """Send one page of missed events, or make the subscription live."""
        channel = self._channels.open(subscription.conversation_id)
        if subscription.cursor >= (channel.position or 0):
            # No await between the comparison and the join: no event can come between.
            channel.join(subscription, subscriber)
            self._send_running_answers(subscriber, subscription)
            return
        with self._metrics.replay_durations.time():
            page = await self._next_page(subscriber, subscription, channel)
        # While the page was read, the subscription may have been closed or reset.
        if not subscription.is_closed and not subscriber.close_frame:
            await sink.send(page)

    def _removed_frame(self, subscriber: Subscriber, subscription: Subscription) -> bytes:
        """Return a reset frame for a removal whose frame was dropped from the queue.

        Empty if the user is a member again: the client got a reset for that.
        """
        subscription.notice_sent()
        if subscriber.subscription_to(subscription.conversation_id):
            return b""
        return self._hub.reset_frame(subscription.conversation_id, 0, "removed")

    def _reset_frame(self, subscriber: Subscriber, subscription: Subscription) -> bytes:
        """Return the reset frame that is due, and continue at the channel's position."""
        channel = self._channels.open(subscription.conversation_id)
        channel.remove(subscription)  # until it has caught up again
        position = channel.position or 0
        reason = subscription.restart(position)
        return self._hub.reset_frame(
            subscription.conversation_id if subscriber.all_conversations else None,
            position,
            reason,
        )

    async def _next_page(
        self, subscriber: Subscriber, subscription: Subscription, channel: Channel
    ) -> bytes:
        """Return the frames of the next missed events; empty if they are lost.

        While the log cannot be read, wait a moment and return a keepalive: the stream stays open.
        """
        events = channel.since(subscription.cursor)
        if events is None:
            try:
                events = await self._read_log(subscription, channel)
            except Unavailable:
                await self._clock.sleep(self._limits.log_retry)
                return KEEPALIVE
        if subscription.state is not SubscriptionState.CATCHING_UP:
            return b""
        if not events or events[0].number != subscription.cursor + 1:
            subscriber.request_reset(subscription, "trimmed")
            return b""
        subscription.advance(events[-1].number)
        self._metrics.replayed.inc(len(events))
        return b"".join(
            event.frame_for(all_conversations=subscriber.all_conversations) for event in events
        )

    async def _read_log(self, subscription: Subscription, channel: Channel) -> list[EncodedEvent]:
        """Read the next missed events, up to the channel's position: it delivers the later ones."""
        records = await self._log.read(subscription.conversation_id, subscription.cursor, PAGE)
        return [encode_event(event) for event in records if event.number <= (channel.position or 0)]

    def _send_running_answers(self, subscriber: Subscriber, subscription: Subscription) -> None:
        """Queue the state and the text so far of every answer in progress."""
        for answer in self._hub.answers(subscription.conversation_id):
            self._send_answer(subscriber, subscription, answer)

    def _resend_truncated_answers(self, subscriber: Subscriber) -> None:
        """Queue the state and the text so far of answers of which frames were dropped."""
        truncated = subscriber.send_queue.truncated_answers or set()
        subscriber.send_queue.truncated_answers = None
        for subscription in subscriber.subscriptions:
            for answer in self._hub.answers(subscription.conversation_id):
                if answer.message_id in truncated:
                    self._send_answer(subscriber, subscription, answer)

    def _send_answer(
        self, subscriber: Subscriber, subscription: Subscription, answer: LiveAnswer
    ) -> None:
        """Queue the state and the text so far of an answer.

        A state that has to wait for events is sent when they were.
        """
        is_deferred = self._hub.defer_statuses(subscription.conversation_id)
        for frame in (None if is_deferred else answer.status_frame(), answer.full_text_frame()):
            if frame:
                item = QueuedFrame(Priority.TRANSIENT, frame, answer.message_id)
                subscriber.enqueue(item, subscription)
