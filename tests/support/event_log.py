"""A log of events in a list, and a hub on it."""

import asyncio
import itertools
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID, uuid4

from tests.support.clocks import TestClock
from tests.support.waiting import until

from rustygpt_server.clock import Clock, TimeLimits
from rustygpt_server.db.feeds import Opening
from rustygpt_server.db.refusals import Unavailable
from rustygpt_server.db.rows import Logged
from rustygpt_server.realtime import resume
from rustygpt_server.realtime.backplane import Backplane
from rustygpt_server.realtime.catchup import EventLog
from rustygpt_server.realtime.channel import Channel
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.reader import Identity, Piece, Reader
from rustygpt_server.realtime.writer import write
from rustygpt_server.telemetry import Metrics
from rustygpt_shared import codec
from rustygpt_shared.settings import Sse

ROOM = UUID(int=7)
UNTIL = datetime(2026, 1, 8, tzinfo=UTC)
"""When the sessions of readers end; a week after the clock of tests begins."""


class ListLog:
    """The events of one conversation, as a table would have them."""

    def __init__(self) -> None:
        self.events: list[Logged] = []
        self.oldest = 1
        self.reads = 0
        self.away = False

    async def read(self, conversation_id: UUID, after: int, limit: int) -> list[Logged]:
        """Events after a number."""
        self.reads += 1
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("The database does not answer; try again in a moment.")
        kept = [e for e in self.events if e.number >= self.oldest and e.number > after]
        return [e for e in kept if e.conversation_id == conversation_id][:limit]

    async def read_behind(self, cursors: Mapping[UUID, int], limit: int) -> list[Logged]:
        """Events after a number, in each conversation."""
        found = [await self.read(room, after, limit) for room, after in cursors.items()]
        return [event for events in found for event in events]

    async def positions(self, conversation_ids: list[UUID]) -> dict[UUID, int]:
        """Where the log stands."""
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("The database does not answer; try again in a moment.")
        return {room: len(self.events) for room in conversation_ids if room == ROOM}

    def add(self) -> Logged:
        """Commit one more event."""
        number = len(self.events) + 1
        event = Logged(ROOM, number, "error", f'{{"code":"c","message":"{number}"}}')
        self.events.append(event)
        return event

    def opening(self) -> Opening:
        """Where the log stands."""
        return Opening(len(self.events), self.oldest)


def membership(number: int, user_id: UUID, action: str) -> Logged:
    """An event that tells of somebody's coming or going."""
    change = {"conversation_id": ROOM, "user_id": user_id, "action": action}
    return Logged(ROOM, number, "membership.changed", codec.encode(change).decode())


def make_hub(
    log: EventLog,
    clock: Clock | None = None,
    capacity: int = 16,
    backplane: Backplane | None = None,
) -> Hub:
    """A hub with a small outbox."""
    settings = Sse(channel_capacity=capacity)
    return Hub(log, settings, TimeLimits(), clock or TestClock(), Metrics(), backplane)


def make_reader(hub: Hub, user_id: UUID | None = None, *rooms: UUID, whole: bool = False) -> Reader:
    """A reader that has joined, with seats that have to catch up."""
    identity = Identity(user_id or uuid4(), uuid4(), UNTIL)
    reader = Reader.of(identity, hub.streams.pressure, whole=whole)
    hub.join(reader)
    for room in rooms or ([] if whole else [ROOM]):
        hub.sit(reader, room)
    return reader


def make_live_reader(hub: Hub, user_id: UUID | None = None) -> tuple[Reader, Channel]:
    """A reader that is live from the start of an empty log, and its channel."""
    reader, channel = make_reader(hub, user_id), hub.channel(ROOM)
    channel.start(0)
    channel.seat(reader.seats[0])
    return reader, channel


def waiting(hub: Hub, reader: Reader) -> bytes:
    """What waits for a reader that nobody sends anything."""
    hub.channel(ROOM).flush()
    return reader.outbox.take()


class ListSink:
    """Keeps what a stream was sent; `full` makes it as slow as can be."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.direct = 0
        self.full = False
        self.is_cut = False
        self._news = asyncio.Event()

    def write(self, piece: Piece) -> bool:
        """Keep what many are sent."""
        if self.full:
            return False
        self.sent.append(piece.data)
        self.direct += 1
        self._news.set()
        return True

    async def send(self, data: bytes) -> None:
        """Keep what one is sent, once there is room."""
        while self.full:
            self._news.clear()
            await self._news.wait()
        self.sent.append(data)
        self._news.set()

    def cut(self) -> None:
        """Note that the connection was ended."""
        self.is_cut = True

    def set_full(self, full: bool) -> None:
        """There is room, or none."""
        self.full = full
        self._news.set()

    @property
    def data(self) -> bytes:
        """All that was sent."""
        return b"".join(self.sent)


class Following:
    """A stream at work: what it was sent, and how to end it."""

    def __init__(self, hub: Hub, reader: Reader, opening: bytes) -> None:
        self.reader = reader
        self.sink = ListSink()
        self.sink.sent.append(opening)
        self.task = asyncio.create_task(write(hub, reader, self.sink))
        self.hub = hub

    @property
    def numbers(self) -> list[int]:
        """The numbers of the durable events that were sent."""
        return numbers(self.sink.data)

    async def until(self, what: bytes) -> None:
        """Wait until something was sent."""
        await until(lambda: what in self.sink.data)

    async def live(self) -> None:
        """Wait until nothing is to be sent any more."""
        await until(lambda: self.reader.direct)

    async def close(self) -> None:
        """Let go."""
        self.task.cancel()
        await asyncio.wait([self.task])
        self.hub.leave(self.reader)


def follow(hub: Hub, log: ListLog, seen: str | None = None) -> Following:
    """Open a stream as the server does."""
    reader, bounds = make_reader(hub), log.opening()
    start = resume.begin(hub, reader.seats[0], seen, bounds)
    return Following(hub, reader, resume.opening(hub, start))


def numbers(data: bytes) -> list[int]:
    """The numbers of the durable events in a piece of a stream."""
    lines = data.split(b"\n")
    return [
        int(line.removeprefix(b"id: evt_"))
        for line, following in itertools.pairwise(lines)
        if line.startswith(b"id: ") and b"stream." not in following
    ]
