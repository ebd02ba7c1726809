"""Opening streams for callers that are authorized to read.

Whether open streams are still authorized is checked in `stream_revalidation`; delivery is in
`realtime`.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from rustygpt_server.db import events
from rustygpt_server.db.access_changes import AccessChange
from rustygpt_server.db.database import Database
from rustygpt_server.db.events import LogBounds
from rustygpt_server.db.rows import EventRecord
from rustygpt_server.errors import NotFound
from rustygpt_server.realtime.event_payloads import parse_membership
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.registry import SubscriberRegistry
from rustygpt_server.realtime.resume import NO_EVENT_ID, SubscriptionStarter, parse_positions
from rustygpt_server.realtime.stream_loop import StreamLoop
from rustygpt_server.realtime.subscriber import Identity, Sink, Subscriber
from rustygpt_server.services.access import AccessMonitor
from rustygpt_server.services.callers import Caller
from rustygpt_server.services.memberships import Memberships
from rustygpt_shared.ids import event_id

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS: Final = 253_402_300_799_999
"""The end of the year 9999."""


class OpenStream:
    """A stream whose caller is authorized. Who opened it has to close it."""

    def __init__(
        self, hub: Hub, stream_loop: StreamLoop, subscriber: Subscriber, open_frame: bytes
    ) -> None:
        self.open_frame = open_frame
        """The first frames, to be sent before `run`."""
        self._hub = hub
        self._stream_loop = stream_loop
        self._subscriber = subscriber

    async def run(self, sink: Sink) -> None:
        """Write events to the sink until the stream ends."""
        await self._stream_loop.run(self._subscriber, sink)

    def close(self) -> None:
        """Remove the stream."""
        self._hub.unregister(self._subscriber)


class StreamService:
    """Opens streams."""

    def __init__(
        self,
        db: Database,
        hub: Hub,
        subscribers: SubscriberRegistry,
        starter: SubscriptionStarter,
        stream_loop: StreamLoop,
        access: AccessMonitor,
        memberships: Memberships,
    ) -> None:
        self._db = db
        self._hub = hub
        self._subscribers = subscribers
        self._starter = starter
        self._stream_loop = stream_loop
        self._access = access
        self._memberships = memberships
        access.subscribe(self._on_access_change)
        hub.add_listener(self._on_event)

    def overload_reply(self, caller: Caller) -> bytes | None:
        """Return the body that sends a caller away when there are too many streams, or None.

        Clients reconnect after the time it contains. A status other than 200 would end an
        EventSource for good (WHATWG HTML, 9.2.3).
        """
        if not self._subscribers.is_full_for(caller.user.id):
            return None
        return f"retry: {self._subscribers.retry_ms()}\n\n".encode()

    async def open_conversation_stream(
        self,
        caller: Caller,
        conversation_id: UUID,
        last_event_id: str | None,
        since: str | None = None,
    ) -> OpenStream:
        """Open a stream of one conversation; raises NotFound if the caller is not a member.

        It starts after `last_event_id`, else with the events since a time (milliseconds since
        1970), else at the end.
        The stream is registered before the authorization is checked, so that no revocation that
        comes meanwhile is missed.
        """
        subscriber = self._register(caller)
        subscription = self._hub.subscribe(subscriber, conversation_id)
        try:
            self._access.reject_if_ended(caller.credential_id, caller.generation)
            cached = self._cached_bounds(caller.user.id, conversation_id, last_event_id)
            if cached is None or since:  # the ring does not know the times of its events
                cached = await self._query_bounds(caller.user.id, conversation_id)
            bounds, authorized_at = cached
            if since and not last_event_id:
                starts = await self._find_starts(since, {conversation_id: bounds})
                last_event_id = starts[conversation_id]
        except BaseException:
            self._hub.unregister(subscriber)
            raise
        resume_point = self._starter.start(
            subscriber, subscription, last_event_id, bounds, authorized_at
        )
        open_frame = self._starter.open_frame(resume_point)
        return OpenStream(self._hub, self._stream_loop, subscriber, open_frame)

    def _cached_bounds(
        self, user_id: UUID, conversation_id: UUID, last_event_id: str | None
    ) -> tuple[LogBounds, int] | None:
        """Return log bounds and the event number of the authorization, if this process has both."""
        authorized_at = self._memberships.member_at_event(user_id, conversation_id)
        bounds = self._starter.local_bounds(conversation_id, last_event_id)
        if authorized_at is None or bounds is None:
            return None
        return bounds, authorized_at

    async def _query_bounds(self, user_id: UUID, conversation_id: UUID) -> tuple[LogBounds, int]:
        """Return log bounds and the event number of the authorization from the database."""
        bounds = await self._memberships.load(user_id, conversation_id)
        if conversation_id not in bounds:
            raise NotFound("There is no such conversation, or you are not in it.")
        return bounds[conversation_id], bounds[conversation_id].position

    async def open_user_stream(
        self, caller: Caller, positions: str | None, since: str | None = None
    ) -> OpenStream:
        """Open a stream of all conversations of the caller, including those joined later.

        `positions` is what the client has seen, as `parse_positions` reads it; `since` is where
        other conversations start, as in `open_conversation_stream`. If a part of `positions` cannot
        be read, each of them gets a reset instead: it may be the one that was meant.
        """
        seen, is_complete = parse_positions(positions)
        subscriber = self._register(caller, all_conversations=True)
        try:
            self._access.reject_if_ended(caller.credential_id, caller.generation)
            bounds_by_conversation = await self._memberships.load(caller.user.id, None)
            if since:
                seen = await self._find_starts(since, bounds_by_conversation) | seen
            elif not is_complete:
                seen = dict.fromkeys(bounds_by_conversation, NO_EVENT_ID) | seen
        except BaseException:
            self._hub.unregister(subscriber)
            raise
        open_frame = self._starter.start_all(subscriber, seen, bounds_by_conversation)
        return OpenStream(self._hub, self._stream_loop, subscriber, open_frame)

    async def _find_starts(
        self, since: str, bounds_by_conversation: Mapping[UUID, LogBounds]
    ) -> dict[UUID, str]:
        """Return the id of the last event before a time, for each conversation.

        Where the log has no such event it is the id before the first event: everything follows, or
        a reset if that is lost or too much.
        """
        if not re.fullmatch(r"[0-9]{1,18}", since):
            return dict.fromkeys(bounds_by_conversation, NO_EVENT_ID)
        time = _EPOCH + timedelta(milliseconds=min(int(since), _LAST_MS))
        numbers = await events.find_events_before(
            self._db, list(bounds_by_conversation), time, self._starter.max_backfill + 1
        )
        return {
            conversation_id: event_id(min(numbers.get(conversation_id, 0), bounds.position))
            for conversation_id, bounds in bounds_by_conversation.items()
        }

    def _on_access_change(self, change: AccessChange | None) -> None:
        """Subscribe a user's streams of all conversations to one that the user joined."""
        if change and change.kind == "added" and change.user_id and change.conversation_id:
            self._starter.subscribe_joined(
                change.user_id, change.conversation_id, change.event_number
            )

    def _on_event(self, event: EventRecord) -> None:
        """Subscribe as above, by the event.

        A user who was removed and added again still has the old subscription when the access change
        arrives; it is closed by the events before this one.
        """
        change = parse_membership(event)
        if change and change.action == "added":
            self._starter.subscribe_joined(change.user_id, event.conversation_id, event.number)

    def _register(self, caller: Caller, *, all_conversations: bool = False) -> Subscriber:
        identity = Identity(caller.user.id, caller.credential_id, caller.ends_at, caller.generation)
        subscriber = Subscriber.create(
            identity, self._subscribers.backpressure, all_conversations=all_conversations
        )
        self._hub.register(subscriber)
        return subscriber
