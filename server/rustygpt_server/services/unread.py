"""Unread counts for open streams.

A read marker that moves is published at once. After new messages, each user's own count is sent at
most once per TimeLimits.unread_interval: the database is queried once per user and thread, from
then on messages are counted here.
"""

import asyncio
from collections import OrderedDict, deque
from uuid import UUID

from rustygpt_server.db import threads
from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import EventRecord
from rustygpt_server.db.threads import ReadMarker, UnreadRow
from rustygpt_server.errors import RequestError
from rustygpt_server.realtime.backplane import Backplane
from rustygpt_server.realtime.backplane_messages import ReadMarkerMoved
from rustygpt_server.realtime.event_payloads import parse_new_message
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.runtime import Runtime
from rustygpt_server.telemetry import log
from rustygpt_shared import codec
from rustygpt_shared.events import UnreadUpdatePayload
from rustygpt_shared.models.conversations import UNREAD_MAX

_log = log(__name__)

MAX_THREADS = 32
"""How many threads per conversation have counts in memory; those of others are queried again."""
MAX_RECENT = 256
"""How many of a thread's latest messages are remembered."""
PAIRS_PER_QUERY = 100
"""How many counts (pairs of thread and user) one statement returns."""


class ThreadCounts:
    """The latest messages of one thread, and users' unread counts at some event number each."""

    def __init__(self) -> None:
        self._recent: deque[tuple[int, UUID | None]] = deque()
        """The event number and the author of each message."""
        self._forgotten_up_to = 0
        self._counts: dict[UUID, tuple[int, int]] = {}
        """By user: an event number, and the unread count at that number."""

    def add_message(self, number: int, author: UUID | None) -> None:
        """Add a message, given the number of its event."""
        self._recent.append((number, author))
        if len(self._recent) > MAX_RECENT:
            self._forgotten_up_to = self._recent.popleft()[0]

    def set_count(self, user_id: UUID, position: int, unread: int) -> None:
        """Set a count that the database returned for an event number.

        Read markers never move back, so of two counts for the same number the smaller one is newer.
        """
        before = self.count(user_id)
        self._counts[user_id] = (position, unread)
        after = self.count(user_id)
        if before is not None and after is not None and before < after:
            self._counts[user_id] = (self._recent[-1][0] if self._recent else position, before)

    def count(self, user_id: UUID) -> int | None:
        """Return a user's unread count now, or None if the database has to be queried."""
        position, unread = self._counts.get(user_id, (-1, 0))
        if position < self._forgotten_up_to:
            return None
        latest = position
        for number, author in reversed(self._recent):
            if number <= position:
                break
            latest = max(latest, number)
            unread += author != user_id
        unread = min(unread, UNREAD_MAX)
        self._counts[user_id] = (latest, unread)
        return unread

    def has_new_for(self, user_id: UUID, after: int) -> bool:
        """Return True if another user, or the assistant, posted after an event number."""
        return any(number > after and author != user_id for number, author in self._recent)

    def retain_users(self, users: set[UUID]) -> None:
        """Forget the counts of all other users."""
        self._counts = {user: count for user, count in self._counts.items() if user in users}


class _ConversationCounts:
    """The counts of one conversation."""

    def __init__(self) -> None:
        self.threads: OrderedDict[UUID, ThreadCounts] = OrderedDict()
        self.dirty: set[UUID] = set()
        """Threads with messages that were not published yet."""
        self.published_up_to = 0
        """Counts were published for the messages up to this event number."""
        self.seen_up_to = 0

    def thread(self, root_id: UUID) -> ThreadCounts:
        thread = self.threads.setdefault(root_id, ThreadCounts())
        self.threads.move_to_end(root_id)
        while len(self.threads) > MAX_THREADS:
            self.dirty.discard(self.threads.popitem(last=False)[0])
        return thread


class UnreadCounter:
    """The unread counts of users with streams in this process."""

    def __init__(self, db: Database, hub: Hub, backplane: Backplane, runtime: Runtime) -> None:
        self._db = db
        self._hub = hub
        self._backplane = backplane
        self._limits = runtime.limits
        self._clock = runtime.clock
        self._conversations: dict[UUID, _ConversationCounts] = {}
        self._timers: dict[UUID, asyncio.Task[None]] = {}
        hub.add_listener(self._on_event)

    def publish_marker(self, user_id: UUID, marker: ReadMarker) -> None:
        """Send a user's own streams, in all processes, the count after a read marker moved."""
        if marker.moved:
            message = ReadMarkerMoved(
                marker.conversation_id, marker.root_id, user_id, marker.position, marker.unread
            )
            self.on_marker_moved(message)
            self._backplane.publish(message)

    def on_marker_moved(self, marker: ReadMarkerMoved) -> None:
        """Send the user's streams in this process the new count."""
        counts = self._conversations.get(marker.conversation_id)
        if counts and marker.root_id in counts.threads:
            counts.threads[marker.root_id].set_count(marker.user_id, marker.position, marker.unread)
        frame = _unread_frame(marker.conversation_id, marker.root_id, marker.user_id, marker.unread)
        self._hub.send_to_user(marker.conversation_id, marker.user_id, frame)

    def _on_event(self, event: EventRecord) -> None:
        """Count a new message; counts are published within the interval."""
        message = parse_new_message(event)
        if message is None:
            return
        counts = self._conversations.setdefault(event.conversation_id, _ConversationCounts())
        counts.thread(message.root_id).add_message(event.number, message.author_user_id)
        counts.dirty.add(message.root_id)
        counts.seen_up_to = event.number
        if event.conversation_id not in self._timers:
            task = asyncio.create_task(self._publish_loop(event.conversation_id, counts))
            self._timers[event.conversation_id] = task

    def evict_idle(self) -> None:
        """Forget the counts of conversations without live streams."""
        for conversation_id in self._conversations.keys() - self._timers.keys():
            if not self._hub.subscribers_by_user(conversation_id):
                del self._conversations[conversation_id]

    async def stop(self) -> None:
        """Publish no more counts."""
        for task in list(self._timers.values()):
            task.cancel()
        await asyncio.gather(*self._timers.values(), return_exceptions=True)

    async def _publish_loop(self, conversation_id: UUID, counts: _ConversationCounts) -> None:
        try:
            while counts.dirty:
                await self._clock.sleep(self._limits.unread_interval)
                await self._publish(conversation_id, counts)
        except RequestError as error:
            _log.info("unread counts were not published", reason=str(error))
            self._conversations.pop(conversation_id, None)
        finally:
            del self._timers[conversation_id]

    async def _publish(self, conversation_id: UUID, counts: _ConversationCounts) -> None:
        subscribers = self._hub.subscribers_by_user(conversation_id)
        roots = list(counts.dirty)
        after = counts.published_up_to
        counts.dirty.clear()
        counts.published_up_to = counts.seen_up_to
        if not subscribers:
            self._conversations.pop(conversation_id, None)
            return
        pairs = [
            (root_id, user_id)
            for root_id in roots
            for user_id in subscribers
            if counts.thread(root_id).has_new_for(user_id, after)
        ]
        await self._query_missing(conversation_id, counts, pairs)
        for root_id, user_id in pairs:
            unread = counts.thread(root_id).count(user_id)
            if unread is not None:
                frame = _unread_frame(conversation_id, root_id, user_id, unread)
                self._hub.send_to(subscribers[user_id], frame)
        for thread in counts.threads.values():
            thread.retain_users(set(subscribers))

    async def _query_missing(
        self, conversation_id: UUID, counts: _ConversationCounts, pairs: list[tuple[UUID, UUID]]
    ) -> None:
        """Query the database for the counts that are not in memory."""
        missing = [
            (root_id, user_id)
            for root_id, user_id in pairs
            if counts.thread(root_id).count(user_id) is None
        ]
        for start in range(0, len(missing), PAIRS_PER_QUERY):
            batch = missing[start : start + PAIRS_PER_QUERY]
            rows: list[UnreadRow] = await threads.count_unread(self._db, conversation_id, batch)
            for row in rows:
                counts.thread(row.root_id).set_count(row.user_id, row.position, row.unread)


def _unread_frame(conversation_id: UUID, root_id: UUID, user_id: UUID, unread: int) -> bytes:
    payload = UnreadUpdatePayload(conversation_id, root_id, user_id, unread)
    return codec.sse_frame("unread.update", codec.encode(payload))
