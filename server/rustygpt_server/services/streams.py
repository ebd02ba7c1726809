"""Open a stream by right, and end the streams that lost it."""

from collections.abc import Mapping
from uuid import UUID

from rustygpt_server.clock import Clock
from rustygpt_server.db import events, sessions
from rustygpt_server.db.access_changes import AccessChange
from rustygpt_server.db.database import Database
from rustygpt_server.db.events import LogBounds
from rustygpt_server.db.rows import EventRecord
from rustygpt_server.errors import NotFound
from rustygpt_server.realtime import resume
from rustygpt_server.realtime.event_payloads import parse_membership
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.registry import Revocation
from rustygpt_server.realtime.stream_loop import run_stream
from rustygpt_server.realtime.subscriber import Identity, Sink, Subscriber, Subscription
from rustygpt_server.services.access import AccessMonitor
from rustygpt_server.services.memberships import Memberships
from rustygpt_server.services.sessions import Caller
from rustygpt_shared.ids import event_number
from rustygpt_shared.settings import Sse


class DatabaseEventLog:
    """The log of events that the hub reads."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def read(self, conversation_id: UUID, after: int, limit: int) -> list[EventRecord]:
        """The events after a number, in order."""
        return await events.read_events(self._db, conversation_id, after, limit)

    async def read_batch(self, cursors: Mapping[UUID, int], limit: int) -> list[EventRecord]:
        """The next events of several conversations, each after its number."""
        return await events.read_events_batch(self._db, cursors, limit)

    async def positions(self, conversation_ids: list[UUID]) -> dict[UUID, int]:
        """How far conversations' logs go."""
        return await events.list_positions(self._db, conversation_ids)


class OpenStream:
    """A stream that was let in; whoever opened it lets go of it."""

    def __init__(self, hub: Hub, subscriber: Subscriber, open_frame: bytes) -> None:
        self.open_frame = open_frame
        """What it is told first."""
        self._hub = hub
        self._subscriber = subscriber

    async def run(self, sink: Sink) -> None:
        """Send what there is, until the stream is ended."""
        await run_stream(self._hub, self._subscriber, sink)

    def close(self) -> None:
        """Let go."""
        self._hub.unregister(self._subscriber)


class StreamService:
    """Streams, as far as rights go."""

    def __init__(
        self,
        db: Database,
        hub: Hub,
        access: AccessMonitor,
        memberships: Memberships,
        settings: Sse,
        clock: Clock,
        idle_seconds: int,
    ) -> None:
        self._db = db
        self._hub = hub
        self._access = access
        self._memberships = memberships
        self._settings = settings
        self._clock = clock
        self._idle_seconds = idle_seconds
        self._unconfirmed_seen = db.unconfirmed
        access.subscribe(self._on_access_change)
        hub.add_listener(self._on_event)

    def overload_reply(self, caller: Caller) -> bytes | None:
        """What to answer instead of a stream when there are too many: when to come back."""
        if not self._hub.subscribers.is_full_for(caller.user.id):
            return None
        return f"retry: {self._hub.subscribers.retry_ms()}\n\n".encode()

    async def open_conversation_stream(
        self, caller: Caller, conversation_id: UUID, last_event_id: str | None
    ) -> OpenStream:
        """A stream of a conversation; refused for those who are not in it.

        The reader joins before its right is checked, so that what ends it in between is not missed.
        """
        subscriber = self._register(caller)
        subscription = self._hub.subscribe(subscriber, conversation_id)
        try:
            self._access.reject_if_ended(caller.session.id)
            bounds, authorized_at = self._cached_bounds(
                subscription, last_event_id
            ) or await self._query_bounds(subscription)
        except BaseException:
            self._hub.unregister(subscriber)
            raise
        start = resume.start_subscription(self._hub, subscription, last_event_id, bounds)
        subscription.authorized_at = (
            authorized_at  # which may be before the place where the stream starts
        )
        return OpenStream(self._hub, subscriber, resume.open_frame(self._hub, start))

    def _cached_bounds(
        self, subscription: Subscription, seen: str | None
    ) -> tuple[LogBounds, int] | None:
        """Where a stream stands and where its right was seen, if this process knows both.

        For a reader that has seen more than this process was told the log is asked, as for one
        that lacks events which are not here any more.
        """
        conversation_id = subscription.conversation_id
        authorized_at = self._memberships.member_at_event(
            subscription.subscriber.identity.user_id, conversation_id
        )
        channel = self._hub.channel(conversation_id)
        if authorized_at is None or channel.position is None:
            return None
        bounds = LogBounds(channel.position, channel.ring.oldest() or channel.position + 1)
        cursor = event_number(seen) if seen else None
        if cursor is not None and not bounds.oldest - 1 <= cursor <= bounds.position:
            return None
        return bounds, authorized_at

    async def _query_bounds(self, subscription: Subscription) -> tuple[LogBounds, int]:
        """The same from the database."""
        conversation_id = subscription.conversation_id
        bounds = await self._memberships.load(
            subscription.subscriber.identity.user_id, conversation_id
        )
        if conversation_id not in bounds:
            raise NotFound("There is no such conversation, or you are not in it.")
        return bounds[conversation_id], bounds[conversation_id].position

    async def open_user_stream(self, caller: Caller, positions: str | None) -> OpenStream:
        """A stream of all conversations that the caller is in, and of those joined later."""
        subscriber = self._register(caller, all_conversations=True)
        try:
            self._access.reject_if_ended(caller.session.id)
            bounds_by_conversation = await self._memberships.load(caller.user.id, None)
        except BaseException:
            self._hub.unregister(subscriber)
            raise
        return OpenStream(
            self._hub,
            subscriber,
            resume.start_subscriptions(self._hub, subscriber, positions, bounds_by_conversation),
        )

    def _on_access_change(self, change: AccessChange | None) -> None:
        """Let a person's streams of all conversations follow one that was joined."""
        if change is not None and change.kind == "added" and change.user_id:
            self._subscribe_joined(change.user_id, change.conversation_id, change.event_number)

    def _on_event(self, event: EventRecord) -> None:
        """The same by the event itself: the seat of before is only gone by now."""
        change = parse_membership(event)
        if change and change.action == "added":
            self._subscribe_joined(change.user_id, event.conversation_id, event.number)

    def _subscribe_joined(self, user_id: UUID, conversation_id: UUID | None, number: int) -> None:
        if conversation_id is not None:
            resume.subscribe_joined(self._hub, user_id, conversation_id, number)

    def _register(self, caller: Caller, *, all_conversations: bool = False) -> Subscriber:
        identity = Identity(caller.user.id, caller.session.id, caller.session.absolute_expires_at)
        subscriber = Subscriber.create(
            identity, self._hub.subscribers.backpressure, all_conversations=all_conversations
        )
        self._hub.register(subscriber)
        return subscriber

    async def revalidate_streams(self) -> None:
        """End the streams whose right is over by now; for the others, reading counts as use."""
        authorized_at_by_key: dict[events.StreamKey, int] = {}
        for subscriber in self._hub.subscribers:
            for key, authorized_at in _stream_keys(subscriber):
                authorized_at_by_key[key] = max(authorized_at, authorized_at_by_key.get(key, 0))
        if not authorized_at_by_key:
            return
        session_ids = list({one.session_id for one in authorized_at_by_key})
        await sessions.touch_sessions(self._db, session_ids, self._idle_seconds, self._clock.now())
        for revoked in await events.find_revoked_streams(
            self._db, list(authorized_at_by_key), self._clock.now()
        ):
            revoked_key = revoked.stream
            conversation_id = revoked_key.conversation_id if revoked.reason == "removed" else None
            # Somebody may have come back meanwhile; a seat of then has a newer right.
            number = authorized_at_by_key[revoked_key] + 1 if conversation_id else None
            self._hub.revoke(
                Revocation(
                    revoked.reason,
                    revoked_key.user_id,
                    revoked_key.session_id,
                    conversation_id,
                    number,
                )
            )

    async def poll_access_changes(self) -> None:
        """Act on what others did to rights; look at every stream where the log says too little."""
        await self._access.poll()
        if self._access.gap_detected:
            await self.revalidate_streams()
            await self._resubscribe_all()
            self._access.gap_detected = False

    async def _resubscribe_all(self) -> None:
        """Let streams of all conversations follow those that were joined unheard."""
        for user_id in {
            one.identity.user_id for one in self._hub.subscribers if one.all_conversations
        }:
            for conversation_id, bounds in (await self._memberships.load(user_id, None)).items():
                self._subscribe_joined(user_id, conversation_id, bounds.position)

    async def close_due(self) -> None:
        """End the streams that are past their session or a removal; asks nobody."""
        self._hub.subscribers.close_expired()
        self._access.close_overdue_removals()
        self._hub.subscribers.abort_overdue()

    async def recheck_log_if_unconfirmed(self) -> None:
        """Look for events of writes whose answer was lost with their connection."""
        if self._unconfirmed_seen != self._db.unconfirmed:
            self._unconfirmed_seen = self._db.unconfirmed
            self._hub.schedule_log_check()

    async def prune_events(self) -> None:
        """Take old events out of the log, in small bites."""
        persistence = self._settings.persistence
        while await events.prune_events(
            self._db,
            self._clock.now(),
            retention_hours=persistence.retention_hours,
            max_per_conversation=persistence.max_events_per_conversation,
            batch=persistence.prune_batch_size,
        ):
            await self._clock.sleep(0)


def _stream_keys(subscriber: Subscriber) -> list[tuple[events.StreamKey, int]]:
    """The rights that a stream needs, each with the event number at which it was seen last."""
    identity = subscriber.identity
    conversations: list[tuple[UUID | None, int]] = [
        (s.conversation_id, s.authorized_at) for s in subscriber.subscriptions
    ]
    return [
        (events.StreamKey(identity.session_id, identity.user_id, room), checked)
        for room, checked in conversations or [(None, 0)]
    ]
