"""The life of a stream: caught up from the ring or the log, then live, until it ends.

A seat turns live in the same turn of the event loop in which its cursor meets the channel's
position, so no event can come between: nothing is lost and nothing repeated.
"""

from rustygpt_server.errors import Unavailable
from rustygpt_server.realtime.channel import encode_event
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.send_queue import Priority, QueuedFrame
from rustygpt_server.realtime.subscriber import Sink, Subscriber, Subscription

PAGE = 200
KEEPALIVE = b":\n\n"


async def run_stream(hub: Hub, subscriber: Subscriber, sink: Sink) -> None:
    """Send a stream what it has coming, until it is ended; the caller has sent the opening."""
    subscriber.sink = sink
    while True:
        if chunk := subscriber.send_queue.pop_chunk():
            await sink.send(chunk)
        elif subscriber.close_frame:
            await sink.send(subscriber.close_frame)
            return
        elif subscriber.pending:
            await _catch_up_step(hub, subscriber.pending[0], sink)
        elif subscriber.send_queue.truncated_answers:
            _resend_truncated_answers(hub, subscriber)
        elif subscriber.keepalive_due:
            subscriber.keepalive_due = False
            await sink.send(KEEPALIVE)
        else:
            await subscriber.wait()
            continue
        subscriber.quiet_since_tick = False


async def _catch_up_step(hub: Hub, subscription: Subscription, sink: Sink) -> None:
    """One step towards live: a page of what is missing, or a place among the channel's readers."""
    if subscription.removed:
        await sink.send(_removed_frame(hub, subscription))
        return
    channel = hub.channel(subscription.conversation_id)
    if subscription.reset_reason:
        await sink.send(_reset_frame(hub, subscription))
        return
    if subscription.cursor >= (channel.position or 0):
        subscription.subscriber.pending.remove(subscription)
        channel.add_live(subscription)
        _send_running_answers(hub, subscription)
        return
    with hub.metrics.replay_durations.time():
        page = await _next_page(hub, subscription)
    if (
        subscription in subscription.subscriber.pending and not subscription.subscriber.close_frame
    ):  # it may have lost the right
        await sink.send(page)


def _removed_frame(hub: Hub, subscription: Subscription) -> bytes:
    """What told of a removal was lost with what waited; one who is back in is told of that."""
    subscription.subscriber.pending.remove(subscription)
    if subscription.subscriber.subscription_to(subscription.conversation_id):
        return b""
    return hub.reset_frame(subscription.conversation_id, 0, "removed")


def _reset_frame(hub: Hub, subscription: Subscription) -> bytes:
    """Tell a reader to load anew; it is live again from here."""
    channel = hub.channel(subscription.conversation_id)
    reason, subscription.reset_reason = subscription.reset_reason or "overflow", None
    channel.remove(subscription)  # until it stands where the channel does
    subscription.cursor = channel.position or 0
    return hub.reset_frame(
        subscription.conversation_id if subscription.subscriber.all_conversations else None,
        subscription.cursor,
        reason,
    )


async def _next_page(hub: Hub, subscription: Subscription) -> bytes:
    channel = hub.channel(subscription.conversation_id)
    events = channel.since(subscription.cursor)
    if events is None:
        try:
            logged = await hub.log.read(subscription.conversation_id, subscription.cursor, PAGE)
        except Unavailable:  # the stream stays, and goes on as soon as the log is there
            await hub.wait_for_log()
            return KEEPALIVE
        # What the channel has not told yet, it tells when the seat is live.
        events = [
            encode_event(event) for event in logged if event.number <= (channel.position or 0)
        ]
    if not events or events[0].number != subscription.cursor + 1:
        subscription.reset_reason = "trimmed"
        return b""
    subscription.cursor = events[-1].number
    hub.metrics.replayed.inc(len(events))
    return b"".join(
        event.frame_for(all_conversations=subscription.subscriber.all_conversations)
        for event in events
    )


def _send_running_answers(hub: Hub, subscription: Subscription) -> None:
    """Send the whole text so far of every answer in progress."""
    for answer in hub.answers(subscription.conversation_id):
        full_text = answer.full_text_frame()
        if full_text:
            subscription.subscriber.enqueue(
                QueuedFrame(Priority.TRANSIENT, full_text, answer.message_id), subscription
            )


def _resend_truncated_answers(hub: Hub, subscriber: Subscriber) -> None:
    """Send the whole text of answers of which the reader missed a piece."""
    truncated, subscriber.send_queue.truncated_answers = (
        subscriber.send_queue.truncated_answers or set(),
        None,
    )
    for subscription in subscriber.subscriptions:
        for answer in hub.answers(subscription.conversation_id):
            full_text = answer.full_text_frame() if answer.message_id in truncated else None
            if full_text:
                subscriber.enqueue(
                    QueuedFrame(Priority.TRANSIENT, full_text, answer.message_id), subscription
                )
