"""A log of events in a list, and a hub on it."""

import asyncio
import itertools
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID, uuid4

from tests.support.fakes.fake_clock import FakeClock
from tests.support.wait import until

from rustygpt_server.clock import Clock
from rustygpt_server.db.events import LogBounds
from rustygpt_server.db.rows import EventRecord
from rustygpt_server.errors import Unavailable
from rustygpt_server.realtime import resume
from rustygpt_server.realtime.backplane import Backplane
from rustygpt_server.realtime.catchup import EventLog
from rustygpt_server.realtime.channel import Channel
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.stream_loop import run_stream
from rustygpt_server.realtime.subscriber import Identity, SharedChunk, Subscriber
from rustygpt_server.runtime import Runtime
from rustygpt_shared import codec
from rustygpt_shared.settings import Sse

CONVERSATION_ID = UUID(int=7)
SESSION_ENDS_AT = datetime(2026, 1, 8, tzinfo=UTC)
"""When the sessions of readers end; a week after the clock of tests begins."""


class MemoryEventLog:
    """The events of one conversation, as a table would have them."""

    def __init__(self) -> None:
        self.events: list[EventRecord] = []
        self.oldest = 1
        self.reads = 0
        self.unavailable = False

    async def read(self, conversation_id: UUID, after: int, limit: int) -> list[EventRecord]:
        """Events after a number."""
        self.reads += 1
        await asyncio.sleep(0)
        if self.unavailable:
            raise Unavailable("The database does not answer; try again in a moment.")
        kept = [e for e in self.events if e.number >= self.oldest and e.number > after]
        return [e for e in kept if e.conversation_id == conversation_id][:limit]

    async def read_batch(self, cursors: Mapping[UUID, int], limit: int) -> list[EventRecord]:
        """Events after a number, in each conversation."""
        found = [await self.read(room, after, limit) for room, after in cursors.items()]
        return [event for events in found for event in events]

    async def positions(self, conversation_ids: list[UUID]) -> dict[UUID, int]:
        """Where the log stands."""
        await asyncio.sleep(0)
        if self.unavailable:
            raise Unavailable("The database does not answer; try again in a moment.")
        return {room: len(self.events) for room in conversation_ids if room == CONVERSATION_ID}

    def add(self) -> EventRecord:
        """Commit one more event."""
        number = len(self.events) + 1
        event = EventRecord(
            CONVERSATION_ID, number, "error", f'{{"code":"c","message":"{number}"}}'
        )
        self.events.append(event)
        return event

    def bounds(self) -> LogBounds:
        """Where the log stands."""
        return LogBounds(len(self.events), self.oldest)


def membership(number: int, user_id: UUID, action: str) -> EventRecord:
    """An event that tells of somebody's coming or going."""
    change = {"conversation_id": CONVERSATION_ID, "user_id": user_id, "action": action}
    return EventRecord(CONVERSATION_ID, number, "membership.changed", codec.encode(change).decode())


def make_hub(
    log: EventLog,
    clock: Clock | None = None,
    capacity: int = 16,
    backplane: Backplane | None = None,
) -> Hub:
    """A hub with a small outbox."""
    settings = Sse(channel_capacity=capacity)
    return Hub(log, settings, Runtime(clock or FakeClock()), backplane)


def make_subscriber(
    hub: Hub, user_id: UUID | None = None, *conversation_ids: UUID, all_conversations: bool = False
) -> Subscriber:
    """A reader that has joined, with seats that have to catch up."""
    identity = Identity(user_id or uuid4(), uuid4(), SESSION_ENDS_AT)
    reader = Subscriber.create(
        identity, hub.subscribers.backpressure, all_conversations=all_conversations
    )
    hub.register(reader)
    for room in conversation_ids or ([] if all_conversations else [CONVERSATION_ID]):
        hub.subscribe(reader, room)
    return reader


def make_live_subscriber(hub: Hub, user_id: UUID | None = None) -> tuple[Subscriber, Channel]:
    """A reader that is live from the start of an empty log, and its channel."""
    reader, channel = make_subscriber(hub, user_id), hub.channel(CONVERSATION_ID)
    channel.start(0)
    channel.add_live(reader.subscriptions[0])
    return reader, channel


def pending_data(hub: Hub, subscriber: Subscriber) -> bytes:
    """What waits for a reader that nobody sends anything."""
    hub.channel(CONVERSATION_ID).flush()
    return subscriber.send_queue.pop_chunk()


class RecordingSink:
    """Keeps what a stream was sent; `full` makes it as slow as can be."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.direct_writes = 0
        self.full = False
        self.is_aborted = False
        self._news = asyncio.Event()

    def write(self, chunk: SharedChunk) -> bool:
        """Keep what many are sent."""
        if self.full:
            return False
        self.sent.append(chunk.data)
        self.direct_writes += 1
        self._news.set()
        return True

    async def send(self, data: bytes) -> None:
        """Keep what one is sent, once there is room."""
        while self.full:
            self._news.clear()
            await self._news.wait()
        self.sent.append(data)
        self._news.set()

    def abort(self) -> None:
        """Note that the connection was ended."""
        self.is_aborted = True

    def set_full(self, full: bool) -> None:
        """There is room, or none."""
        self.full = full
        self._news.set()

    @property
    def data(self) -> bytes:
        """All that was sent."""
        return b"".join(self.sent)


class RunningStream:
    """A stream at work: what it was sent, and how to end it."""

    def __init__(self, hub: Hub, subscriber: Subscriber, opening: bytes) -> None:
        self.subscriber = subscriber
        self.sink = RecordingSink()
        self.sink.sent.append(opening)
        self.task = asyncio.create_task(run_stream(hub, subscriber, self.sink))
        self.hub = hub

    @property
    def numbers(self) -> list[int]:
        """The numbers of the durable events that were sent."""
        return numbers(self.sink.data)

    async def until(self, what: bytes) -> None:
        """Wait until something was sent."""
        await until(lambda: what in self.sink.data)

    async def wait_until_live(self) -> None:
        """Wait until nothing is to be sent any more."""
        await until(lambda: self.subscriber.writable)

    async def close(self) -> None:
        """Let go."""
        self.task.cancel()
        await asyncio.wait([self.task])
        self.hub.unregister(self.subscriber)


def follow(hub: Hub, log: MemoryEventLog, last_event_id: str | None = None) -> RunningStream:
    """Open a stream as the server does."""
    reader, bounds = make_subscriber(hub), log.bounds()
    start = resume.start_subscription(hub, reader.subscriptions[0], last_event_id, bounds)
    return RunningStream(hub, reader, resume.open_frame(hub, start))


def numbers(data: bytes) -> list[int]:
    """The numbers of the durable events in a piece of a stream."""
    lines = data.split(b"\n")
    return [
        int(line.removeprefix(b"id: evt_"))
        for line, following in itertools.pairwise(lines)
        if line.startswith(b"id: ") and b"stream." not in following
    ]
