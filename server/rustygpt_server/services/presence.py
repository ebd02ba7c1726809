"""Who is there: heartbeats, and what is shown of them as they are told and as they fall silent.

PostgreSQL has the truth. Each process remembers whom it heard of, here or over the backplane, to
know when somebody's shown status may have changed; before it tells so it asks the database. So a
word that was lost makes nobody look silent, and a process that dies takes no knowledge with it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from msgspec import Struct

from rustygpt_server.clock import Clock, TimeLimits
from rustygpt_server.db import presence
from rustygpt_server.db.database import Database
from rustygpt_server.db.presence import Beaten, LastSeen
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.words import Beat
from rustygpt_server.services.typists import Typists
from rustygpt_shared import codec
from rustygpt_shared.ids import event_id
from rustygpt_shared.models.presence import PresenceList, Seen, Status

PEOPLE_KEPT = 20_000
"""Beyond so many the longest silent are forgotten: they come again with their next heartbeat."""
ASKED_AT_ONCE = 1_000


class _Known(Struct):
    """What is known of somebody."""

    said: Status
    seen_at: datetime
    beats: int
    heard: float
    """When the last heartbeat was, by the clock that never jumps."""
    told: Status
    """What this process's readers were told last."""
    falls: float = 0
    """When silence changes what is shown."""


class Presence:
    """The presence of everybody, as this process knows and tells it."""

    def __init__(
        self, db: Database, hub: Hub, typists: Typists, limits: TimeLimits, clock: Clock
    ) -> None:
        self._db = db
        self._hub = hub
        self._typists = typists
        self._limits = limits
        self._clock = clock
        self._people: dict[UUID, _Known] = {}
        """The longest silent come first."""
        self._due: set[UUID] = set()
        """Whose shown status may differ from what was told."""
        self._began = False
        self._missed = True
        self._next_reading = 0.0

    async def beat_presence(self, actor: UUID, said: Status) -> None:
        """Note that a person is there; whoever sees the person is told of a change soon."""
        now = self._clock.now()
        beats = await presence.beat_presence(self._db, actor, said, now)
        word = Beat(actor, said, now, beats)
        self.heard(word)
        self._hub.backplane.say(word)

    async def show_presence(self, actor: UUID, conversation_id: UUID) -> PresenceList:
        """Everybody in a conversation, and who is writing."""
        page = await presence.show_presence(self._db, actor, conversation_id)
        users = [self._seen(one) for one in page.items]
        here = {one.user_id for one in users}
        turns = self._typists.turns(conversation_id)
        return PresenceList(
            users, [turn for turn in turns if turn.user_id in here], event_id(page.position)
        )

    async def statuses(self, users: Iterable[UUID]) -> dict[UUID, Status]:
        """What is shown of these people, also of those who were never seen."""
        shown: dict[UUID, Status] = dict.fromkeys(users, "offline")
        for one in await presence.read_presence(self._db, list(shown)):
            shown[one.user_id] = self._seen(one).status
        return shown

    def heard(self, beat: Beat) -> None:
        """Take a heartbeat of any process."""
        one = Beaten(beat.user_id, beat.status, beat.seen_at, beat.beats)
        if self._learn(one, self._clock.monotonic()):
            self._due.add(beat.user_id)

    def missed(self) -> None:
        """Heartbeats that other processes told may not have been heard."""
        self._missed = True

    async def keep_up(self) -> None:
        """Tell what has changed, by heartbeats and by silence."""
        now = self._clock.monotonic()
        if self._missed or (not self._hub.backplane.hears and now >= self._next_reading):
            await self._read_seen()
        self._due.update(user for user, known in self._people.items() if known.falls <= now)
        while self._due:
            some = list(islice(self._due, ASKED_AT_ONCE))
            found = await presence.read_presence(self._db, some, with_rooms=True)
            self._due.difference_update(some)
            for one in found:
                self._settle(one)
            for gone in set(some) - {one.user_id for one in found}:
                self._people.pop(gone, None)

    async def _read_seen(self) -> None:
        """Learn from the database whom it has seen; what a new process finds is no news."""
        since = self._clock.now() - timedelta(seconds=self._limits.presence_offline)
        found = await presence.list_seen(self._db, since, PEOPLE_KEPT)
        self._missed = False
        self._next_reading = self._clock.monotonic() + self._limits.position_check
        for one in found:
            changed = self._learn(one, self._when(one))
            if changed and self._began:
                self._due.add(one.user_id)
            elif changed and one.user_id not in self._due:
                known = self._people[one.user_id]
                known.told = self._shown(known)
        self._began = True

    def _learn(self, one: Beaten, heard: float) -> bool:
        """Take what is told of somebody; whether something else is to be shown now."""
        known = self._people.pop(one.user_id, None)
        if known is None:
            known = _Known(one.said, one.last_seen_at, one.beats, heard, "offline")
        if one.beats >= known.beats:
            known.said, known.beats = one.said, one.beats
        if heard > known.heard:
            known.heard, known.seen_at = heard, one.last_seen_at
        known.falls = self._next_fall(known)
        self._people[one.user_id] = known
        if len(self._people) > PEOPLE_KEPT:
            del self._people[next(iter(self._people))]
        return self._shown(known) != known.told

    def _settle(self, one: Beaten) -> None:
        """Tell what is shown of somebody, if it is something else than before."""
        self._learn(one, self._when(one))
        known = self._people[one.user_id]
        shown = self._shown(known)
        if shown != known.told:
            known.told = shown
            told = Seen(one.user_id, shown, known.seen_at)
            data = codec.frame("presence.update", codec.encode(told))
            self._hub.tell_all(one.conversation_ids, data)
        if shown == "offline":
            del self._people[one.user_id]

    def _when(self, one: Beaten) -> float:
        """When a heartbeat was, by the clock that never jumps."""
        ago = (self._clock.now() - one.last_seen_at).total_seconds()
        return self._clock.monotonic() - max(0.0, ago)

    def _next_fall(self, known: _Known) -> float:
        """When silence will lower what is shown."""
        away = known.heard + self._limits.presence_away
        if away > self._clock.monotonic():
            return away
        return known.heard + self._limits.presence_offline

    def _shown(self, known: _Known) -> Status:
        return lowered(known.said, self._clock.monotonic() - known.heard, self._limits)

    def _seen(self, one: LastSeen | Beaten) -> Seen:
        """What is shown of somebody, as the database has it."""
        if one.said is None or one.last_seen_at is None:
            return Seen(one.user_id, "offline")
        silent = (self._clock.now() - one.last_seen_at).total_seconds()
        return Seen(one.user_id, lowered(one.said, silent, self._limits), one.last_seen_at)


def lowered(said: Status, silent: float, limits: TimeLimits) -> Status:
    """What is shown of somebody who said this and was silent for so many seconds."""
    if said == "offline" or silent >= limits.presence_offline:
        return "offline"
    return "away" if said == "away" or silent >= limits.presence_away else "online"
