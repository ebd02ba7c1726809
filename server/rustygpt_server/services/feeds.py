"""Open a stream by right, and end the streams that lost it."""

from collections.abc import Mapping
from uuid import UUID

from rustygpt_server.clock import Clock
from rustygpt_server.db import feeds, sessions
from rustygpt_server.db.controls import Control
from rustygpt_server.db.database import Database
from rustygpt_server.db.feeds import Opening
from rustygpt_server.db.refusals import NotFound
from rustygpt_server.db.rows import Logged
from rustygpt_server.realtime import resume
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.reader import Identity, Reader, Seat, Sink
from rustygpt_server.realtime.streams import Ending
from rustygpt_server.realtime.told import membership
from rustygpt_server.realtime.writer import write
from rustygpt_server.services.memberships import Memberships
from rustygpt_server.services.rights import Rights
from rustygpt_server.services.sessions import Signed
from rustygpt_shared.ids import event_number
from rustygpt_shared.settings import Sse


class DatabaseLog:
    """The log of events that the hub reads."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def read(self, conversation_id: UUID, after: int, limit: int) -> list[Logged]:
        """The events after a number, in order."""
        return await feeds.read_events(self._db, conversation_id, after, limit)

    async def read_behind(self, cursors: Mapping[UUID, int], limit: int) -> list[Logged]:
        """The next events of several conversations, each after its number."""
        return await feeds.read_behind(self._db, cursors, limit)

    async def positions(self, conversation_ids: list[UUID]) -> dict[UUID, int]:
        """How far conversations' logs go."""
        return await feeds.list_positions(self._db, conversation_ids)


class Feed:
    """A stream that was let in; whoever opened it lets go of it."""

    def __init__(self, hub: Hub, reader: Reader, opening: bytes) -> None:
        self.opening = opening
        """What it is told first."""
        self._hub = hub
        self._reader = reader

    async def write(self, sink: Sink) -> None:
        """Send what there is, until the stream is ended."""
        await write(self._hub, self._reader, sink)

    def leave(self) -> None:
        """Let go."""
        self._hub.leave(self._reader)


class Feeds:
    """Streams, as far as rights go."""

    def __init__(
        self,
        db: Database,
        hub: Hub,
        rights: Rights,
        memberships: Memberships,
        settings: Sse,
        clock: Clock,
        idle_seconds: int,
    ) -> None:
        self._db = db
        self._hub = hub
        self._rights = rights
        self._memberships = memberships
        self._settings = settings
        self._clock = clock
        self._idle_seconds = idle_seconds
        self._unsure = db.unsure
        rights.watch(self._change)
        hub.watch(self._heard)

    def later(self, signed: Signed) -> bytes | None:
        """What to answer instead of a stream when there are too many: when to come back."""
        if not self._hub.streams.is_full_for(signed.user.id):
            return None
        return f"retry: {self._hub.streams.retry_ms()}\n\n".encode()

    async def open_feed(
        self, signed: Signed, conversation_id: UUID, last_event_id: str | None
    ) -> Feed:
        """A stream of a conversation; refused for those who are not in it.

        The reader joins before its right is checked, so that what ends it in between is not missed.
        """
        reader = self._join(signed)
        seat = self._hub.sit(reader, conversation_id)
        try:
            self._rights.refuse_over(signed.session.id)
            bounds, checked = self._at_hand(seat, last_event_id) or await self._look_up(seat)
        except BaseException:
            self._hub.leave(reader)
            raise
        start = resume.begin(self._hub, seat, last_event_id, bounds)
        seat.checked = checked  # which may be before the place where the stream starts
        return Feed(self._hub, reader, resume.opening(self._hub, start))

    def _at_hand(self, seat: Seat, seen: str | None) -> tuple[Opening, int] | None:
        """Where a stream stands and where its right was seen, if this process knows both.

        For a reader that has seen more than this process was told the log is asked, as for one
        that lacks events which are not here any more.
        """
        room = seat.conversation_id
        checked = self._memberships.checked(seat.reader.identity.user_id, room)
        channel = self._hub.channel(room)
        if checked is None or channel.position is None:
            return None
        bounds = Opening(channel.position, channel.ring.oldest() or channel.position + 1)
        cursor = event_number(seen) if seen else None
        if cursor is not None and not bounds.oldest - 1 <= cursor <= bounds.position:
            return None
        return bounds, checked

    async def _look_up(self, seat: Seat) -> tuple[Opening, int]:
        """The same from the database."""
        room = seat.conversation_id
        found = await self._memberships.open(seat.reader.identity.user_id, room)
        if room not in found:
            raise NotFound("There is no such conversation, or you are not in it.")
        return found[room], found[room].position

    async def open_all(self, signed: Signed, positions: str | None) -> Feed:
        """A stream of all conversations that the caller is in, and of those joined later."""
        reader = self._join(signed, whole=True)
        try:
            self._rights.refuse_over(signed.session.id)
            rooms = await self._memberships.open(signed.user.id, None)
        except BaseException:
            self._hub.leave(reader)
            raise
        return Feed(self._hub, reader, resume.begin_all(self._hub, reader, positions, rooms))

    def _change(self, control: Control | None) -> None:
        """Let a person's streams of all conversations follow one that was joined."""
        if control is not None and control.kind == "added" and control.user_id:
            self._joined(control.user_id, control.conversation_id, control.event)

    def _heard(self, event: Logged) -> None:
        """The same by the event itself: the seat of before is only gone by now."""
        change = membership(event)
        if change and change.action == "added":
            self._joined(change.user_id, event.conversation_id, event.number)

    def _joined(self, user_id: UUID, conversation_id: UUID | None, number: int) -> None:
        if conversation_id is not None:
            resume.join_room(self._hub, user_id, conversation_id, number)

    def _join(self, signed: Signed, *, whole: bool = False) -> Reader:
        identity = Identity(signed.user.id, signed.session.id, signed.session.absolute_expires_at)
        reader = Reader.of(identity, self._hub.streams.pressure, whole=whole)
        self._hub.join(reader)
        return reader

    async def check_readers(self) -> None:
        """End the streams whose right is over by now; for the others, reading counts as use."""
        asked: dict[feeds.Reader, int] = {}
        for reader in self._hub.streams:
            for right, checked in _rights(reader):
                asked[right] = max(checked, asked.get(right, 0))
        if not asked:
            return
        using = list({one.session_id for one in asked})
        await sessions.touch_sessions(self._db, using, self._idle_seconds, self._clock.now())
        for lost in await feeds.check_readers(self._db, list(asked), self._clock.now()):
            who = lost.reader
            room = who.conversation_id if lost.reason == "removed" else None
            # Somebody may have come back meanwhile; a seat of then has a newer right.
            number = asked[who] + 1 if room else None
            self._hub.end(Ending(lost.reason, who.user_id, who.session_id, room, number))

    async def keep_rights(self) -> None:
        """Act on what others did to rights; look at every stream where the log says too little."""
        await self._rights.poll()
        if self._rights.missed:
            await self.check_readers()
            await self._find_rooms()
            self._rights.missed = False

    async def _find_rooms(self) -> None:
        """Let streams of all conversations follow those that were joined unheard."""
        for user_id in {one.identity.user_id for one in self._hub.streams if one.whole}:
            for room, bounds in (await self._memberships.open(user_id, None)).items():
                self._joined(user_id, room, bounds.position)

    async def end_due(self) -> None:
        """End the streams that are past their session or a removal; asks nobody."""
        self._hub.streams.end_expired()
        self._rights.end_late()
        self._hub.streams.cut_overdue()

    async def look_again(self) -> None:
        """Look for events of writes whose answer was lost with their connection."""
        if self._unsure != self._db.unsure:
            self._unsure = self._db.unsure
            self._hub.look_again()

    async def prune_events(self) -> None:
        """Take old events out of the log, in small bites."""
        keep = self._settings.persistence
        while await feeds.prune_events(
            self._db,
            self._clock.now(),
            retention_hours=keep.retention_hours,
            max_per_conversation=keep.max_events_per_conversation,
            batch=keep.prune_batch_size,
        ):
            await self._clock.sleep(0)


def _rights(reader: Reader) -> list[tuple[feeds.Reader, int]]:
    """The rights that a stream needs, each with the event number at which it was seen last."""
    who = reader.identity
    rooms: list[tuple[UUID | None, int]] = [(s.conversation_id, s.checked) for s in reader.seats]
    return [
        (feeds.Reader(who.session_id, who.user_id, room), checked)
        for room, checked in rooms or [(None, 0)]
    ]
