"""Tell people with open streams how much they have not read.

A mark that moves is told at once. After posts every reader's own count goes out at most once a
second: the database is asked once per reader and thread, from then on messages are counted here.
"""

import asyncio
from collections import OrderedDict, deque
from uuid import UUID

from rustygpt_server.db import threads
from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import EventRecord
from rustygpt_server.db.threads import ReadMarker, UnreadRow
from rustygpt_server.errors import RequestError
from rustygpt_server.realtime.backplane_messages import ReadMarkerMoved
from rustygpt_server.realtime.event_payloads import parse_new_message
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.runtime import Runtime
from rustygpt_server.telemetry import log
from rustygpt_shared import codec
from rustygpt_shared.events import UnreadUpdatePayload
from rustygpt_shared.models.conversations import UNREAD_MAX

_log = log(__name__)

"""Where counts stop."""
MAX_THREADS = 32
"""Threads per conversation whose counts are kept; those of others are asked for again."""
MAX_RECENT = 256
PAIRS_PER_QUERY = 100
"""How many counts one statement is asked for."""


class ThreadCounts:
    """One thread: its latest messages, and what people had not read at some event number."""

    def __init__(self) -> None:
        self._recent: deque[tuple[int, UUID | None]] = deque()
        self._forgotten_up_to = 0
        self._counts: dict[UUID, tuple[int, int]] = {}

    def add_message(self, number: int, author: UUID | None) -> None:
        """Take a message by the number of the event that told of it."""
        self._recent.append((number, author))
        if len(self._recent) > MAX_RECENT:
            self._forgotten_up_to = self._recent.popleft()[0]

    def set_count(self, user_id: UUID, position: int, unread: int) -> None:
        """Take a count as the database had it at an event number.

        Marks only move on: of two counts the smaller one, brought to the same number, is right.
        """
        before = self.count(user_id)
        self._counts[user_id] = (position, unread)
        after = self.count(user_id)
        if before is not None and after is not None and before < after:
            self._counts[user_id] = (self._recent[-1][0] if self._recent else position, before)

    def count(self, user_id: UUID) -> int | None:
        """What a person has not read now; None when the database has to be asked."""
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
        """Whether somebody else has written after an event number."""
        return any(number > after and author != user_id for number, author in self._recent)

    def retain_users(self, users: set[UUID]) -> None:
        """Forget people who read no longer."""
        self._counts = {user: known for user, known in self._counts.items() if user in users}


class _ConversationCounts:
    """What is known of one conversation."""

    def __init__(self) -> None:
        self.threads: OrderedDict[UUID, ThreadCounts] = OrderedDict()
        self.dirty: set[UUID] = set()
        self.published_up_to = 0
        """Messages up to this event number were told."""
        self.seen_up_to = 0

    def thread(self, root_id: UUID) -> ThreadCounts:
        thread = self.threads.setdefault(root_id, ThreadCounts())
        self.threads.move_to_end(root_id)
        while len(self.threads) > MAX_THREADS:
            self.dirty.discard(self.threads.popitem(last=False)[0])
        return thread


class UnreadCounter:
    """The unread counts of this process's readers."""

    def __init__(self, db: Database, hub: Hub, runtime: Runtime) -> None:
        self._db = db
        self._hub = hub
        self._limits = runtime.limits
        self._clock = runtime.clock
        self._conversations: dict[UUID, _ConversationCounts] = {}
        self._timers: dict[UUID, asyncio.Task[None]] = {}
        hub.add_listener(self._on_event)

    def publish_marker(self, user_id: UUID, marker: ReadMarker) -> None:
        """Tell a person's own streams where the mark stands, if it moved."""
        if marker.moved:
            message = ReadMarkerMoved(
                marker.conversation_id, marker.root_id, user_id, marker.position, marker.unread
            )
            self.on_marker_moved(message)
            self._hub.backplane.publish(message)

    def on_marker_moved(self, marker: ReadMarkerMoved) -> None:
        """Tell the person's streams in this process."""
        counts = self._conversations.get(marker.conversation_id)
        if counts and marker.root_id in counts.threads:
            counts.threads[marker.root_id].set_count(marker.user_id, marker.position, marker.unread)
        data = _unread_frame(marker.conversation_id, marker.root_id, marker.user_id, marker.unread)
        self._hub.send_to_user(marker.conversation_id, marker.user_id, data)

    def _on_event(self, event: EventRecord) -> None:
        """Count a new message; who reads along is told within the interval."""
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
        """Drop the counts of conversations that nobody reads."""
        for conversation_id in self._conversations.keys() - self._timers.keys():
            if not self._hub.subscribers_by_user(conversation_id):
                del self._conversations[conversation_id]

    async def stop(self) -> None:
        """Tell nothing more."""
        for task in list(self._timers.values()):
            task.cancel()
        await asyncio.gather(*self._timers.values(), return_exceptions=True)

    async def _publish_loop(self, conversation_id: UUID, counts: _ConversationCounts) -> None:
        try:
            while counts.dirty:
                await self._clock.sleep(self._limits.unread_interval)
                await self._publish(conversation_id, counts)
        except RequestError as error:
            _log.info("unread counts have to wait", reason=str(error))
            self._conversations.pop(conversation_id, None)
        finally:
            del self._timers[conversation_id]

    async def _publish(self, conversation_id: UUID, counts: _ConversationCounts) -> None:
        subscribers = self._hub.subscribers_by_user(conversation_id)
        roots, after = list(counts.dirty), counts.published_up_to
        counts.dirty.clear()
        counts.published_up_to = counts.seen_up_to
        if not subscribers:
            self._conversations.pop(conversation_id, None)
            return
        pairs = [
            (root, user)
            for root in roots
            for user in subscribers
            if counts.thread(root).has_new_for(user, after)
        ]
        await self._query_missing(conversation_id, counts, pairs)
        for root, user in pairs:
            unread = counts.thread(root).count(user)
            if unread is not None:
                data = _unread_frame(conversation_id, root, user, unread)
                self._hub.send_to(subscribers[user], data)
        for thread in counts.threads.values():
            thread.retain_users(set(subscribers))

    async def _query_missing(
        self, conversation_id: UUID, counts: _ConversationCounts, pairs: list[tuple[UUID, UUID]]
    ) -> None:
        """Let the database count what is not known here."""
        unknown = [(root, user) for root, user in pairs if counts.thread(root).count(user) is None]
        for start in range(0, len(unknown), PAIRS_PER_QUERY):
            batch = unknown[start : start + PAIRS_PER_QUERY]
            rows: list[UnreadRow] = await threads.count_unread(self._db, conversation_id, batch)
            for one in rows:
                counts.thread(one.root_id).set_count(one.user_id, one.position, one.unread)


def _unread_frame(conversation_id: UUID, root_id: UUID, user_id: UUID, unread: int) -> bytes:
    payload = UnreadUpdatePayload(conversation_id, root_id, user_id, unread)
    return codec.sse_frame("unread.update", codec.encode(payload))
