"""Where a stream starts, and what it is told first.

How it gets from there to live is the business of `writer`.
"""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from rustygpt_server.db.events import LogBounds
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.send_queue import Priority, QueuedFrame
from rustygpt_server.realtime.subscriber import Subscriber, Subscription
from rustygpt_shared import codec
from rustygpt_shared.events import ResetReason, StreamOpenPayload
from rustygpt_shared.ids import event_id, event_number

RETRY = b"retry: 1000\n\n"
MAX_POSITIONS = 100
"""A client may name so many conversations; what it lacks of others it loads."""


class ResumePoint(NamedTuple):
    """Where a stream starts."""

    cursor: int
    reset_reason: ResetReason | None


def find_resume_point(
    last_event_id: str | None, bounds: LogBounds, max_backfill: int
) -> ResumePoint:
    """Where a stream starts, given what its client says it has seen."""
    if not last_event_id:
        return ResumePoint(bounds.position, None)
    cursor = event_number(last_event_id)
    if cursor is None or cursor > bounds.position:
        return ResumePoint(bounds.position, "unknown")
    if cursor < bounds.oldest - 1:
        return ResumePoint(bounds.position, "trimmed")
    if bounds.position - cursor > max_backfill:
        return ResumePoint(bounds.position, "too_far")
    return ResumePoint(cursor, None)


def start_subscription(
    hub: Hub, subscription: Subscription, seen: str | None, bounds: LogBounds
) -> ResumePoint:
    """Set a seat to where its reader starts; the reader catches up from there."""
    channel = hub.channel(subscription.conversation_id)
    channel.start(bounds.position)
    hub.catch_up.advance(subscription.conversation_id, bounds.position)
    # Without a log, the recent events are still here.
    oldest = min(bounds.oldest, channel.ring.oldest() or bounds.oldest)
    start = find_resume_point(
        seen, LogBounds(bounds.position, oldest), hub.settings.max_backfill_events
    )
    subscription.authorized_at = max(subscription.authorized_at, bounds.position)
    subscription.cursor = start.cursor
    if subscription.reset_reason is None:  # else it waits already, to start over
        subscription.subscriber.pending.append(subscription)
    subscription.subscriber.wake()
    return start


def start_subscriptions(
    hub: Hub,
    subscriber: Subscriber,
    raw: str | None,
    bounds_by_conversation: Mapping[UUID, LogBounds],
) -> bytes:
    """Give a stream its seats in all conversations; answers what it is told first."""
    seen, removals = parse_positions(raw), subscriber.removals_while_opening or {}
    subscriber.removals_while_opening = None
    starts = {
        room: start_subscription(hub, hub.subscribe(subscriber, room), seen.get(room), bounds)
        for room, bounds in bounds_by_conversation.items()
        if removals.get(room, 0) <= bounds.position and subscriber.subscription_to(room) is None
    }
    return open_frames(hub, starts)


def subscribe_joined(hub: Hub, user_id: UUID, conversation_id: UUID, number: int) -> None:
    """Give a person's streams of all conversations a seat in one that was joined by an event.

    They are told to load it, which is all that tells of one that the person has just made
    elsewhere: that is no event, and the number is 0.
    """
    before = max(number - 1, 0)
    for subscriber in hub.subscribers.by_user(user_id):
        if subscriber.all_conversations and subscriber.subscription_to(conversation_id) is None:
            subscription, bounds = (
                hub.subscribe(subscriber, conversation_id),
                LogBounds(number, number),
            )
            item = QueuedFrame(Priority.DURABLE, hub.reset_frame(conversation_id, before, "joined"))
            subscriber.send(item, subscription=subscription)
            start_subscription(hub, subscription, event_id(before), bounds)


def open_frame(hub: Hub, start: ResumePoint) -> bytes:
    """What a stream of one conversation is told first."""
    opened = StreamOpenPayload(last_event_id=event_id(start.cursor))
    data = RETRY + codec.sse_frame(
        "stream.open", codec.encode(opened), resume_position=event_id(start.cursor)
    )
    return (
        data + hub.reset_frame(None, start.cursor, start.reset_reason)
        if start.reset_reason
        else data
    )


def open_frames(hub: Hub, starts: Mapping[UUID, ResumePoint]) -> bytes:
    """What a stream of all conversations is told first."""
    opened = StreamOpenPayload(
        positions={room: event_id(start.cursor) for room, start in starts.items()}
    )
    data = [RETRY, codec.sse_frame("stream.open", codec.encode(opened))]
    for room, start in starts.items():
        if start.reset_reason:
            data.append(hub.reset_frame(room, start.cursor, start.reset_reason))
    return b"".join(data)


def parse_positions(raw: str | None) -> dict[UUID, str]:
    """What a client says it has seen of each conversation: `<conversation>:<id>,…`.

    What cannot be read as a conversation names none; an id that is none is answered by a reset.
    """
    seen_ids: dict[UUID, str] = {}
    for part in (raw or "").split(",", MAX_POSITIONS)[:MAX_POSITIONS]:
        name, _, seen = part.partition(":")
        try:
            seen_ids[UUID(name)] = seen or "none"
        except ValueError:
            continue
    return seen_ids
