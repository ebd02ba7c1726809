"""The start of a stream: where each subscription resumes, and the first frames that it sends.

How a subscription gets from there to live is in `stream_loop`.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from rustygpt_server.db.events import LogBounds
from rustygpt_server.realtime.catchup import CatchUp
from rustygpt_server.realtime.channels import Channels
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.registry import SubscriberRegistry
from rustygpt_server.realtime.send_queue import Priority, QueuedFrame
from rustygpt_server.realtime.subscriber import Subscriber
from rustygpt_server.realtime.subscription import Subscription
from rustygpt_shared import codec
from rustygpt_shared.events import ResetReason, StreamOpenPayload
from rustygpt_shared.ids import event_id, event_number

RETRY = b"retry: 1000\n\n"
MAX_POSITIONS = 100
"""How many conversations a client may name; it has to load what it lacks of others."""


NO_EVENT_ID = "none"
"""No id of an event: who resumes from it gets a reset."""


class Positions(NamedTuple):
    """The ids of the last events that a client has seen, by conversation."""

    seen: dict[UUID, str]
    is_complete: bool
    """False if a part names no conversation, or there are too many: it may be about any other."""


class ResumePoint(NamedTuple):
    """Where a subscription starts, and why, if it is not where the client requested."""

    cursor: int
    reset_reason: ResetReason | None


def find_resume_point(
    last_event_id: str | None, bounds: LogBounds, max_backfill: int
) -> ResumePoint:
    """Return where a subscription starts whose client has seen events up to `last_event_id`.

    `max_backfill`: beyond this number of events, loading is cheaper for the client than a replay.
    """
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


class SubscriptionStarter:
    """Starts the subscriptions of streams."""

    def __init__(
        self,
        hub: Hub,
        channels: Channels,
        subscribers: SubscriberRegistry,
        catch_up: CatchUp,
        max_backfill: int,
    ) -> None:
        self._hub = hub
        self._channels = channels
        self._subscribers = subscribers
        self._catch_up = catch_up
        self.max_backfill = max_backfill
        """How many events a client may be behind before it has to load."""

    def start(
        self,
        subscriber: Subscriber,
        subscription: Subscription,
        last_event_id: str | None,
        bounds: LogBounds,
        authorized_at: int | None = None,
    ) -> ResumePoint:
        """Start a subscription after `last_event_id`, or at the end of the log without one.

        `authorized_at` is the event number at which the user was a member, by default the end of
        the log.
        """
        conversation_id = subscription.conversation_id
        channel = self._channels.open(conversation_id)
        channel.start(bounds.position)
        self._catch_up.advance(conversation_id, bounds.position)
        # Without persistence only the ring has events that can be resumed from.
        oldest = min(bounds.oldest, channel.ring.oldest() or bounds.oldest)
        resume_point = find_resume_point(
            last_event_id, LogBounds(bounds.position, oldest), self.max_backfill
        )
        subscription.authorize(bounds.position if authorized_at is None else authorized_at)
        subscriber.start(subscription, resume_point.cursor)
        return resume_point

    def start_all(
        self,
        subscriber: Subscriber,
        seen: Mapping[UUID, str],
        bounds_by_conversation: Mapping[UUID, LogBounds],
    ) -> bytes:
        """Subscribe a stream to all conversations of its user, and return its first frames.

        `seen` has the ids of the last events that the client has seen. Conversations in it that the
        user is not in (any more) get a reset.
        """
        removals = subscriber.removals_while_opening or {}
        subscriber.removals_while_opening = None
        resume_points = {
            conversation_id: self.start(
                subscriber,
                self._hub.subscribe(subscriber, conversation_id),
                seen.get(conversation_id),
                bounds,
            )
            for conversation_id, bounds in bounds_by_conversation.items()
            if removals.get(conversation_id, 0) <= bounds.position
            and subscriber.subscription_to(conversation_id) is None
        }
        left = [id_ for id_ in seen if subscriber.subscription_to(id_) is None]
        return self._open_frames(resume_points, left)

    def subscribe_joined(self, user_id: UUID, conversation_id: UUID, number: int) -> None:
        """Subscribe a user's streams of all conversations to one that the user joined.

        `number` is that of the event by which the user joined, and 0 for a conversation that was
        just created, which is no event. The streams get a reset, so that clients load it.
        """
        before = max(number - 1, 0)
        for subscriber in self._subscribers.by_user(user_id):
            if (
                not subscriber.all_conversations
                or subscriber.subscription_to(conversation_id) is not None
            ):
                continue
            subscription = self._hub.subscribe(subscriber, conversation_id)
            frame = self._hub.reset_frame(conversation_id, before, "joined")
            subscriber.send(QueuedFrame(Priority.DURABLE, frame), subscription=subscription)
            self.start(subscriber, subscription, event_id(before), LogBounds(number, number))

    def local_bounds(self, conversation_id: UUID, last_event_id: str | None) -> LogBounds | None:
        """Return the bounds of what this process can send without the log.

        None if the channel's position is not known yet, or the client lacks events that are not in
        the ring, or has seen events that this process has not received yet.
        """
        channel = self._channels.open(conversation_id)
        if channel.position is None:
            return None
        bounds = LogBounds(channel.position, channel.ring.oldest() or channel.position + 1)
        cursor = event_number(last_event_id) if last_event_id else None
        if cursor is not None and not bounds.oldest - 1 <= cursor <= bounds.position:
            return None
        return bounds

    def open_frame(self, resume_point: ResumePoint) -> bytes:
        """Return the first frames of a stream of one conversation.

        Before a reset stream.open has no id line: a client whose connection broke between the two
        would resume after events that it never got.
        """
        cursor = resume_point.cursor
        payload = codec.encode(StreamOpenPayload(last_event_id=event_id(cursor)))
        if resume_point.reset_reason is None:
            return RETRY + codec.sse_frame("stream.open", payload, resume_position=event_id(cursor))
        reset = self._hub.reset_frame(None, cursor, resume_point.reset_reason)
        return RETRY + codec.sse_frame("stream.open", payload) + reset

    def _open_frames(
        self, resume_points: Mapping[UUID, ResumePoint], left: Iterable[UUID]
    ) -> bytes:
        """Return the first frames of a stream of all conversations.

        stream.open leaves out the positions of conversations that the client has to load, as above.
        """
        payload = StreamOpenPayload(
            positions={
                conversation_id: event_id(point.cursor)
                for conversation_id, point in resume_points.items()
                if point.reset_reason is None
            }
        )
        frames = [RETRY, codec.sse_frame("stream.open", codec.encode(payload))]
        for conversation_id, point in resume_points.items():
            if point.reset_reason:
                frames.append(
                    self._hub.reset_frame(conversation_id, point.cursor, point.reset_reason)
                )
        frames += [self._hub.reset_frame(conversation_id, 0, "removed") for conversation_id in left]
        return b"".join(frames)


def parse_positions(raw: str | None) -> Positions:
    """Parse the event ids that a client has seen: `<conversation>:<id>,…`.

    An invalid event id is returned as it is; it leads to a reset.
    """
    seen_ids: dict[UUID, str] = {}
    parts = [part for part in (raw or "").split(",", MAX_POSITIONS) if part]
    is_complete = len(parts) <= MAX_POSITIONS
    for part in parts[:MAX_POSITIONS]:
        conversation_id, _, seen = part.partition(":")
        try:
            seen_ids[UUID(conversation_id)] = seen or NO_EVENT_ID
        except ValueError:
            is_complete = False
    return Positions(seen_ids, is_complete)
