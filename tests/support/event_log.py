"""A log of events in a list, and a hub on it."""

import asyncio
import itertools
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID, uuid4

from tests.support.clocks import TestClock

from rustygpt_server.clock import Clock, TimeLimits
from rustygpt_server.db.feeds import Opening
from rustygpt_server.db.refusals import Unavailable
from rustygpt_server.db.rows import Logged
from rustygpt_server.realtime.backplane import Backplane
from rustygpt_server.realtime.catchup import EventLog
from rustygpt_server.realtime.channel import Channel
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.outbox import Outbox
from rustygpt_server.realtime.reader import Identity, Reader
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


def make_reader(hub: Hub, user_id: UUID | None = None, room: UUID = ROOM) -> Reader:
    """A reader that has joined."""
    identity = Identity(user_id or uuid4(), uuid4(), UNTIL)
    reader = Reader(room, identity, Outbox(hub.settings.channel_capacity))
    hub.join(reader)
    return reader


def make_live_reader(hub: Hub) -> tuple[Reader, Channel]:
    """A reader that is live from the start of an empty log, and its channel."""
    reader, channel = make_reader(hub), hub.channel(ROOM)
    channel.start(0)
    channel.readers.add(reader)
    return reader, channel


def numbers(data: bytes) -> list[int]:
    """The numbers of the durable events in a piece of a stream."""
    lines = data.split(b"\n")
    return [
        int(line.removeprefix(b"id: evt_"))
        for line, following in itertools.pairwise(lines)
        if line.startswith(b"id: ") and b"stream." not in following
    ]
