"""Unread counts for open streams.

A read marker that moves is published at once. After new messages, each user's own count is sent at
most once per TimeLimits.unread_interval: the database is queried once per user and thread, from
then on messages are counted here. Processes may learn of the moves of a marker in another order
than that of the moves; of two counts the one with the higher version of the marker is true.
"""

import asyncio
from collections import OrderedDict, deque
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db import threads
from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import EventRecord
from rustygpt_server.db.threads import ReadMarker
from rustygpt_server.errors import RequestError
from rustygpt_server.realtime.backplane import Backplane
from rustygpt_server.realtime.backplane_messages import ReadMarkerMoved
from rustygpt_server.realtime.event_payloads import (
    parse_changed_message,
    parse_membership,
    parse_new_message,
)
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
MAX_VERSIONS = 8_192
"""How many read markers' latest versions are remembered."""
PAIRS_PER_QUERY = 100
"""How many counts (pairs of thread and user) one statement returns."""


class UnreadCount(Struct, frozen=True):
    """A user's unread count of a thread, at an event number and at a version of the read marker."""

    unread: int
    read_seq: int
    position: int
    version: int

    def is_newer_than(self, other: "UnreadCount") -> bool:
        """Return True if this count was determined after the other one."""
        return (self.version, self.position) > (other.version, other.position)


class ThreadCounts:
    """The latest messages of one thread, and users' unread counts."""

    def __init__(self) -> None:
        self._recent: deque[tuple[int, UUID | None]] = deque()
        """The event number and the author of each message."""
        self._forgotten_up_to: int | None = None
        """Messages up to this event number may be missing; None before the first message."""
        self._counts: dict[UUID, UnreadCount] = {}

    def add_message(self, number: int, author: UUID | None) -> None:
        """Add a message, given the number of its event."""
        if self._forgotten_up_to is None:
            self._forgotten_up_to = number - 1
        self._recent.append((number, author))
        if len(self._recent) > MAX_RECENT:
            self._forgotten_up_to = self._recent.popleft()[0]

    def set_count(self, user_id: UUID, count: UnreadCount) -> None:
        """Set a count that the database returned, unless a newer one is known."""
        known = self._counts.get(user_id)
        if known is None or count.is_newer_than(known):
            self._counts[user_id] = count

    def count(self, user_id: UUID) -> UnreadCount | None:
        """Return a user's unread count now, or None if the database has to be queried."""
        count = self._counts.get(user_id)
        if count is None or count.position < (self._forgotten_up_to or 0):
            return None
        unread = count.unread
        for number, author in reversed(self._recent):
            if number <= count.position:
                break
            unread += author != user_id
        latest = self._recent[-1][0] if self._recent else 0
        count = UnreadCount(
            min(unread, UNREAD_MAX), count.read_seq, max(count.position, latest), count.version
        )
        self._counts[user_id] = count
        return count

    def has_new_for(self, user_id: UUID, after: int) -> bool:
        """Return True if another user, or the assistant, posted after an event number."""
        return any(number > after and author != user_id for number, author in self._recent)

    def forget_user(self, user_id: UUID) -> None:
        """Forget a user's count."""
        self._counts.pop(user_id, None)

    def retain_users(self, users: set[UUID]) -> None:
        """Forget the counts of all other users."""
        self._counts = {user: count for user, count in self._counts.items() if user in users}


class MarkerVersions:
    """The latest versions of read markers that moved."""

    def __init__(self) -> None:
        self._versions: OrderedDict[tuple[UUID, UUID], int] = OrderedDict()
        """By user and root."""

    def advance(self, marker: ReadMarkerMoved) -> bool:
        """Record a move; return False if a later one is known already."""
        key = (marker.user_id, marker.root_id)
        if self.latest(*key) > marker.version:
            return False
        self._versions[key] = marker.version
        self._versions.move_to_end(key)
        if len(self._versions) > MAX_VERSIONS:
            self._versions.popitem(last=False)
        return True

    def latest(self, user_id: UUID, root_id: UUID) -> int:
        """Return the version of a marker's latest known move, or 0."""
        return self._versions.get((user_id, root_id), 0)


class _ConversationCounts:
    """The counts of one conversation."""

    def __init__(self) -> None:
        self.threads: OrderedDict[UUID, ThreadCounts] = OrderedDict()
        self.dirty: set[UUID] = set()
        """Threads with messages that were not published yet."""
        self.forgotten: set[UUID] = set()
        """Threads with such messages that are not in memory any more."""
        self.uncounted: set[tuple[UUID, UUID]] = set()
        """Pairs of thread and user whose counts have to be queried and sent, too."""
        self.published_up_to = 0
        """Counts were published for the messages up to this event number."""
        self.seen_up_to = 0

    def thread(self, root_id: UUID) -> ThreadCounts:
        thread = self.threads.setdefault(root_id, ThreadCounts())
        self.threads.move_to_end(root_id)
        while len(self.threads) > MAX_THREADS:
            evicted = self.threads.popitem(last=False)[0]
            if evicted in self.dirty:
                self.dirty.discard(evicted)
                self.forgotten.add(evicted)
        return thread


class UnreadCounter:
    """The unread counts of users with streams in this process."""

    def __init__(self, db: Database, hub: Hub, backplane: Backplane, runtime: Runtime) -> None:
        self._db = db
        self._hub = hub
        self._backplane = backplane
        self._versions = MarkerVersions()
        self._limits = runtime.limits
        self._clock = runtime.clock
        self._conversations: dict[UUID, _ConversationCounts] = {}
        self._timers: dict[UUID, asyncio.Task[None]] = {}
        hub.add_listener(self._on_event)

    def publish_marker(self, user_id: UUID, marker: ReadMarker) -> None:
        """Send a user's own streams, in all processes, the count after a read marker moved."""
        if marker.moved:
            message = ReadMarkerMoved(
                marker.conversation_id,
                marker.root_id,
                user_id,
                marker.unread,
                marker.read_seq,
                marker.position,
                marker.version,
            )
            self.on_marker_moved(message)
            self._backplane.publish(message)

    def on_marker_moved(self, marker: ReadMarkerMoved) -> None:
        """Send the user's streams in this process the new count."""
        if not self._versions.advance(marker):
            return
        count = UnreadCount(marker.unread, marker.read_seq, marker.position, marker.version)
        counts = self._conversations.get(marker.conversation_id)
        if counts and marker.root_id in counts.threads:
            thread = counts.threads[marker.root_id]
            thread.set_count(marker.user_id, count)
            current = thread.count(marker.user_id)
            if current is None:
                counts.uncounted.add((marker.root_id, marker.user_id))
                self._schedule(marker.conversation_id, counts)
            count = current or count
        frame = _unread_frame(marker.conversation_id, marker.root_id, marker.user_id, count)
        self._hub.send_to_user(marker.conversation_id, marker.user_id, frame)

    def _on_event(self, event: EventRecord) -> None:
        """Count a new message; counts are published within the interval."""
        if membership := parse_membership(event):
            self._forget_user(event.conversation_id, membership.user_id)
        changed = parse_changed_message(event)
        if changed and changed.change in {"deleted", "restored"}:
            self._recount(event.conversation_id, changed.message.root_id)
        message = parse_new_message(event)
        if message is None:
            return
        counts = self._conversations.setdefault(event.conversation_id, _ConversationCounts())
        counts.thread(message.root_id).add_message(event.number, message.author_user_id)
        counts.dirty.add(message.root_id)
        counts.seen_up_to = event.number
        self._schedule(event.conversation_id, counts)

    def _recount(self, conversation_id: UUID, root_id: UUID) -> None:
        """Query all counts of a thread again, because what counts as unread changed."""
        counts = self._conversations.setdefault(conversation_id, _ConversationCounts())
        counts.threads.pop(root_id, None)
        counts.dirty.discard(root_id)
        counts.forgotten.add(root_id)
        self._schedule(conversation_id, counts)

    def _forget_user(self, conversation_id: UUID, user_id: UUID) -> None:
        """Forget the counts of a user, because joining again marks all messages as read."""
        if counts := self._conversations.get(conversation_id):
            for thread in counts.threads.values():
                thread.forget_user(user_id)

    def _schedule(self, conversation_id: UUID, counts: _ConversationCounts) -> None:
        """Publish counts after the interval, and for as long as messages arrive."""
        if conversation_id not in self._timers:
            task = asyncio.create_task(self._publish_loop(conversation_id, counts))
            self._timers[conversation_id] = task

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
            while counts.dirty or counts.uncounted or counts.forgotten:
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
        pairs = {
            (root_id, user_id)
            for root_id in roots
            for user_id in subscribers
            if counts.thread(root_id).has_new_for(user_id, after)
        }
        pairs |= {pair for pair in counts.uncounted if pair[1] in subscribers}
        pairs |= {(root_id, user_id) for root_id in counts.forgotten for user_id in subscribers}
        counts.uncounted.clear()
        counts.forgotten.clear()
        queried = await self._query_missing(conversation_id, counts, pairs)
        for root_id, user_id in pairs:
            thread = counts.threads.get(root_id)
            count = (thread and thread.count(user_id)) or queried.get((root_id, user_id))
            if count and count.version >= self._versions.latest(user_id, root_id):
                frame = _unread_frame(conversation_id, root_id, user_id, count)
                self._hub.send_to(subscribers[user_id], frame)
        for thread in counts.threads.values():
            thread.retain_users(set(subscribers))

    async def _query_missing(
        self, conversation_id: UUID, counts: _ConversationCounts, pairs: set[tuple[UUID, UUID]]
    ) -> dict[tuple[UUID, UUID], UnreadCount]:
        """Query the database for the counts that are not in memory; keep those of its threads."""
        missing = [
            (root_id, user_id)
            for root_id, user_id in pairs
            if root_id not in counts.threads or counts.threads[root_id].count(user_id) is None
        ]
        queried: dict[tuple[UUID, UUID], UnreadCount] = {}
        for start in range(0, len(missing), PAIRS_PER_QUERY):
            batch = missing[start : start + PAIRS_PER_QUERY]
            for row in await threads.count_unread(self._db, conversation_id, batch):
                count = UnreadCount(row.unread, row.read_seq, row.position, row.version)
                queried[row.root_id, row.user_id] = count
                if row.root_id in counts.threads:
                    counts.threads[row.root_id].set_count(row.user_id, count)
        return queried


def _unread_frame(conversation_id: UUID, root_id: UUID, user_id: UUID, count: UnreadCount) -> bytes:
    payload = UnreadUpdatePayload(conversation_id, root_id, user_id, count.unread, count.read_seq)
    return codec.sse_frame("unread.update", codec.encode(payload))
