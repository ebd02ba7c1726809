"""Who is writing in which thread. Nothing of it is stored: each process remembers it for seconds.

A process tells the others what it was told by its own callers, and again when one of them asks.
Each lets it run out by its own clock.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from rustygpt_server.clock import Clock, TimeLimits
from rustygpt_server.db import presence
from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import Logged
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.told import membership, written
from rustygpt_server.realtime.words import Typing
from rustygpt_shared import codec, events
from rustygpt_shared.models.presence import STOPPED, Turn

TYPISTS_KEPT = 100
"""People per conversation who are shown as writing; one more ends whoever would end next."""


class _Writing(Struct, frozen=True):
    """In which thread somebody writes; each person is in one thread of a conversation."""

    root_id: UUID
    expires_at: datetime
    ends: float
    """The same by the clock that never jumps."""
    here: bool
    """This process was told so by the person."""


class Typists:
    """The people who are writing, as this process knows and tells it."""

    def __init__(self, db: Database, hub: Hub, limits: TimeLimits, clock: Clock) -> None:
        self._db = db
        self._hub = hub
        self._limits = limits
        self._clock = clock
        self._rooms: dict[UUID, dict[UUID, _Writing]] = {}
        hub.watch(self._follow)

    async def type_in_thread(
        self, actor: UUID, conversation_id: UUID, root_id: UUID, seconds: int
    ) -> None:
        """Show somebody as writing for so many seconds, or with 0 no longer."""
        await presence.type_in_thread(self._db, actor, conversation_id, root_id)
        until = self._clock.now() + timedelta(seconds=seconds) if seconds else STOPPED
        word = Typing(conversation_id, root_id, actor, until)
        # An end is always told: the beginning may still be on its way here from another process.
        if self._take(word, here=True) or not seconds:
            self._hub.backplane.say(word)

    def posted(self, actor: UUID, conversation_id: UUID, root_id: UUID) -> None:
        """Somebody wrote a message in a thread, and so is not writing it any more."""
        word = Typing(conversation_id, root_id, actor, STOPPED)
        if self._take(word, here=True):
            self._hub.backplane.say(word)

    def heard(self, word: Typing) -> None:
        """Take what another process was told."""
        self._take(word, here=False)

    def say_again(self) -> None:
        """Tell the other processes who is writing here."""
        for conversation_id, room in self._rooms.items():
            for user_id, one in room.items():
                if one.here:
                    word = Typing(conversation_id, one.root_id, user_id, one.expires_at)
                    self._hub.backplane.say(word)

    def turns(self, conversation_id: UUID) -> Iterator[Turn]:
        """Who is writing in a conversation now."""
        now = self._clock.monotonic()
        for user_id, one in self._rooms.get(conversation_id, {}).items():
            if one.ends > now:
                yield Turn(one.root_id, user_id, one.expires_at)

    async def end_expired(self) -> None:
        """Tell who has stopped without saying so."""
        now = self._clock.monotonic()
        for conversation_id, room in list(self._rooms.items()):
            for user_id in [user for user, one in room.items() if one.ends <= now]:
                self._stop(conversation_id, user_id)

    def _take(self, word: Typing, *, here: bool) -> bool:
        """Note who writes where, and tell readers; whether there is anything new in it."""
        before = self._rooms.get(word.conversation_id, {}).get(word.user_id)
        same = before is not None and before.root_id == word.root_id
        left = min((word.expires_at - self._clock.now()).total_seconds(), self._limits.typing)
        if left <= 0:
            if same:
                self._stop(word.conversation_id, word.user_id)
            return same
        ends = self._clock.monotonic() + left
        if before and same and 0 <= ends - before.ends < self._limits.typing_interval:
            return False
        if not same:
            self._make_room(word)
        writing = _Writing(word.root_id, word.expires_at, ends, here)
        self._rooms.setdefault(word.conversation_id, {})[word.user_id] = writing
        self._tell(word.conversation_id, word.user_id, word.root_id, word.expires_at)
        return True

    def _make_room(self, word: Typing) -> None:
        """End the person's turn in another thread, or somebody's when there are too many."""
        room = self._rooms.get(word.conversation_id, {})
        if word.user_id in room:
            self._stop(word.conversation_id, word.user_id)
        elif len(room) >= TYPISTS_KEPT:
            self._stop(word.conversation_id, min(room, key=lambda user: room[user].ends))

    def _stop(self, conversation_id: UUID, user_id: UUID) -> None:
        room = self._rooms.get(conversation_id, {})
        one = room.pop(user_id, None)
        if not room:
            self._rooms.pop(conversation_id, None)
        if one is not None:
            self._tell(conversation_id, user_id, one.root_id, STOPPED)

    def _tell(
        self, conversation_id: UUID, user_id: UUID, root_id: UUID, expires_at: datetime
    ) -> None:
        told = events.Typing(conversation_id, root_id, user_id, expires_at)
        data = codec.frame("typing.update", codec.encode(told))
        self._hub.tell(conversation_id, data)

    def _follow(self, event: Logged) -> None:
        """Who has written a message, or was removed, is not writing any more."""
        if event.conversation_id not in self._rooms:
            return
        change, message = membership(event), written(event)
        if change and change.action == "removed":
            self._stop(change.conversation_id, change.user_id)
        elif message and message.author_user_id is not None:
            author, room = message.author_user_id, event.conversation_id
            self._take(Typing(room, message.root_id, author, STOPPED), here=False)
