"""Tell people with open streams how much they have not read.

A mark that moves is told at once. After posts every reader's own count goes out at most once a
second: the database is asked once per reader and thread, from then on messages are counted here.
"""

import asyncio
from collections import OrderedDict, deque
from uuid import UUID

from rustygpt_server.clock import Clock, TimeLimits
from rustygpt_server.db import threads
from rustygpt_server.db.database import Database
from rustygpt_server.db.refusals import DatabaseError
from rustygpt_server.db.rows import Logged
from rustygpt_server.db.threads import Counted, Mark
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.told import written
from rustygpt_server.realtime.words import Marked
from rustygpt_server.telemetry import log
from rustygpt_shared import codec
from rustygpt_shared.events import UnreadCount

_log = log(__name__)

MOST = 1_000
"""Where counts stop."""
THREADS_KEPT = 32
"""Threads per conversation whose counts are kept; those of others are asked for again."""
BIRTHS_KEPT = 256
PAIRS_AT_ONCE = 100
"""How many counts one statement is asked for."""


class Tally:
    """One thread: its latest messages, and what people had not read at some event number."""

    def __init__(self) -> None:
        self._births: deque[tuple[int, UUID | None]] = deque()
        self._forgotten = 0
        self._counts: dict[UUID, tuple[int, int]] = {}

    def born(self, number: int, author: UUID | None) -> None:
        """Take a message by the number of the event that told of it."""
        self._births.append((number, author))
        if len(self._births) > BIRTHS_KEPT:
            self._forgotten = self._births.popleft()[0]

    def learn(self, user_id: UUID, position: int, unread: int) -> None:
        """Take a count as the database had it at an event number.

        Marks only move on: of two counts the smaller one, brought to the same number, is right.
        """
        before = self.count(user_id)
        self._counts[user_id] = (position, unread)
        after = self.count(user_id)
        if before is not None and after is not None and before < after:
            self._counts[user_id] = (self._births[-1][0] if self._births else position, before)

    def count(self, user_id: UUID) -> int | None:
        """What a person has not read now; None when the database has to be asked."""
        position, unread = self._counts.get(user_id, (-1, 0))
        if position < self._forgotten:
            return None
        latest = position
        for number, author in reversed(self._births):
            if number <= position:
                break
            latest = max(latest, number)
            unread += author != user_id
        unread = min(unread, MOST)
        self._counts[user_id] = (latest, unread)
        return unread

    def concerns(self, user_id: UUID, after: int) -> bool:
        """Whether somebody else has written after an event number."""
        return any(number > after and author != user_id for number, author in self._births)

    def keep_only(self, users: set[UUID]) -> None:
        """Forget people who read no longer."""
        self._counts = {user: known for user, known in self._counts.items() if user in users}


class _Room:
    """What is known of one conversation."""

    def __init__(self) -> None:
        self.tallies: OrderedDict[UUID, Tally] = OrderedDict()
        self.fresh: set[UUID] = set()
        self.told = 0
        """Messages up to this event number were told."""
        self.heard = 0

    def tally(self, root_id: UUID) -> Tally:
        tally = self.tallies.setdefault(root_id, Tally())
        self.tallies.move_to_end(root_id)
        while len(self.tallies) > THREADS_KEPT:
            self.fresh.discard(self.tallies.popitem(last=False)[0])
        return tally


class Unread:
    """The unread counts of this process's readers."""

    def __init__(self, db: Database, hub: Hub, limits: TimeLimits, clock: Clock) -> None:
        self._db = db
        self._hub = hub
        self._limits = limits
        self._clock = clock
        self._rooms: dict[UUID, _Room] = {}
        self._timers: dict[UUID, asyncio.Task[None]] = {}
        hub.watch(self.heard)

    def moved(self, user_id: UUID, mark: Mark) -> None:
        """Tell a person's own streams where the mark stands, if it moved."""
        if mark.moved:
            word = Marked(mark.conversation_id, mark.root_id, user_id, mark.position, mark.unread)
            self.marked(word)
            self._hub.backplane.say(word)

    def marked(self, mark: Marked) -> None:
        """Tell the person's streams in this process."""
        room = self._rooms.get(mark.conversation_id)
        if room and mark.root_id in room.tallies:
            room.tallies[mark.root_id].learn(mark.user_id, mark.position, mark.unread)
        data = _frame(mark.conversation_id, mark.root_id, mark.user_id, mark.unread)
        self._hub.tell_user(mark.conversation_id, mark.user_id, data)

    def heard(self, event: Logged) -> None:
        """Count a new message; who reads along is told within the interval."""
        message = written(event)
        if message is None:
            return
        room = self._rooms.setdefault(event.conversation_id, _Room())
        room.tally(message.root_id).born(event.number, message.author_user_id)
        room.fresh.add(message.root_id)
        room.heard = event.number
        if event.conversation_id not in self._timers:
            task = asyncio.create_task(self._later(event.conversation_id, room))
            self._timers[event.conversation_id] = task

    def forget_idle(self) -> None:
        """Drop the counts of conversations that nobody reads."""
        for conversation_id in self._rooms.keys() - self._timers.keys():
            if not self._hub.readers_of(conversation_id):
                del self._rooms[conversation_id]

    async def stop(self) -> None:
        """Tell nothing more."""
        for task in list(self._timers.values()):
            task.cancel()
        await asyncio.gather(*self._timers.values(), return_exceptions=True)

    async def _later(self, conversation_id: UUID, room: _Room) -> None:
        try:
            while room.fresh:
                await self._clock.sleep(self._limits.unread_interval)
                await self._tell(conversation_id, room)
        except DatabaseError as error:
            _log.info("unread counts have to wait", reason=str(error))
            self._rooms.pop(conversation_id, None)
        finally:
            del self._timers[conversation_id]

    async def _tell(self, conversation_id: UUID, room: _Room) -> None:
        readers = self._hub.readers_of(conversation_id)
        roots, after = list(room.fresh), room.told
        room.fresh.clear()
        room.told = room.heard
        if not readers:
            self._rooms.pop(conversation_id, None)
            return
        pairs = [
            (root, user)
            for root in roots
            for user in readers
            if room.tally(root).concerns(user, after)
        ]
        await self._ask(conversation_id, room, pairs)
        for root, user in pairs:
            unread = room.tally(root).count(user)
            if unread is not None:
                data = _frame(conversation_id, root, user, unread)
                self._hub.tell_readers(readers[user], data)
        for tally in room.tallies.values():
            tally.keep_only(set(readers))

    async def _ask(
        self, conversation_id: UUID, room: _Room, pairs: list[tuple[UUID, UUID]]
    ) -> None:
        """Let the database count what is not known here."""
        unknown = [(root, user) for root, user in pairs if room.tally(root).count(user) is None]
        for start in range(0, len(unknown), PAIRS_AT_ONCE):
            some = unknown[start : start + PAIRS_AT_ONCE]
            counted: list[Counted] = await threads.count_unread(self._db, conversation_id, some)
            for one in counted:
                room.tally(one.root_id).learn(one.user_id, one.position, one.unread)


def _frame(conversation_id: UUID, root_id: UUID, user_id: UUID, unread: int) -> bytes:
    told = UnreadCount(conversation_id, root_id, user_id, unread)
    return codec.frame("unread.update", codec.encode(told))
