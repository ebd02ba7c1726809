"""A hub with an event log in memory, subscribers of it, and running streams."""

import asyncio
import itertools
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID, uuid4

from tests.support.fakes.fake_clock import FakeClock
from tests.support.wait import until

from rustygpt_server.app.realtime_components import build_realtime
from rustygpt_server.clock import Clock
from rustygpt_server.db.events import LogBounds
from rustygpt_server.db.rows import EventRecord
from rustygpt_server.errors import Unavailable
from rustygpt_server.realtime.backplane import Backplane
from rustygpt_server.realtime.channel import Channel
from rustygpt_server.realtime.memory import MemoryBackplane
from rustygpt_server.realtime.resume import ResumePoint
from rustygpt_server.realtime.subscriber import Identity, SharedChunk, Subscriber
from rustygpt_server.runtime import Runtime
from rustygpt_shared import codec
from rustygpt_shared.settings import Sse

CONVERSATION_ID = UUID(int=7)
SESSION_ENDS_AT = datetime(2026, 1, 8, tzinfo=UTC)
"""When the sessions of subscribers end: a week after the start of the test clock."""


class MemoryEventLog:
    """The events of one conversation in a list; other conversations have none."""

    def __init__(self) -> None:
        self.events: list[EventRecord] = []
        self.oldest = 1
        """Events with lower numbers count as pruned."""
        self.reads = 0
        self.unavailable = False

    async def read(self, conversation_id: UUID, after: int, limit: int) -> list[EventRecord]:
        """Return events after a number."""
        self.reads += 1
        await asyncio.sleep(0)
        self._raise_if_unavailable()
        stored = [e for e in self.events if e.number >= self.oldest and e.number > after]
        return [e for e in stored if e.conversation_id == conversation_id][:limit]

    async def read_batch(self, cursors: Mapping[UUID, int], limit: int) -> list[EventRecord]:
        """Return events of several conversations, each after its number."""
        pages = [
            await self.read(conversation_id, after, limit)
            for conversation_id, after in cursors.items()
        ]
        return [event for page in pages for event in page]

    async def positions(self, conversation_ids: list[UUID]) -> dict[UUID, int]:
        """Return the last number of the conversation."""
        await asyncio.sleep(0)
        self._raise_if_unavailable()
        return {
            conversation_id: len(self.events)
            for conversation_id in conversation_ids
            if conversation_id == CONVERSATION_ID
        }

    def add(self) -> EventRecord:
        """Commit one more event."""
        number = len(self.events) + 1
        event = EventRecord(
            CONVERSATION_ID, number, "error", f'{{"code":"c","message":"{number}"}}'
        )
        self.events.append(event)
        return event

    def bounds(self) -> LogBounds:
        """Return the bounds of the log."""
        return LogBounds(len(self.events), self.oldest)

    def _raise_if_unavailable(self) -> None:
        if self.unavailable:
            raise Unavailable("The database does not answer; try again in a moment.")


def membership(number: int, user_id: UUID, action: str) -> EventRecord:
    """Return an event by which a user was added or removed."""
    change = {"conversation_id": CONVERSATION_ID, "user_id": user_id, "action": action}
    return EventRecord(CONVERSATION_ID, number, "membership.changed", codec.encode(change).decode())


class HubHarness:
    """A hub with small send queues, and everything that it works with."""

    def __init__(
        self,
        log: MemoryEventLog | None = None,
        clock: Clock | None = None,
        capacity: int = 16,
        backplane: Backplane | None = None,
    ) -> None:
        self.log = log or MemoryEventLog()
        self.settings = Sse(channel_capacity=capacity)
        self.runtime = Runtime(clock or FakeClock())
        self.limits = self.runtime.limits
        self.metrics = self.runtime.metrics
        self.backplane = backplane or MemoryBackplane()
        self.realtime = build_realtime(self.log, self.settings, self.runtime, self.backplane)
        self.hub = self.realtime.hub
        self.channels = self.realtime.channels
        self.subscribers = self.realtime.subscribers
        self.catch_up = self.realtime.catch_up
        self.starter = self.realtime.starter

    @property
    def channel(self) -> Channel:
        """The channel of the conversation."""
        return self.channels.open(CONVERSATION_ID)

    def subscriber(
        self,
        user_id: UUID | None = None,
        *conversation_ids: UUID,
        all_conversations: bool = False,
        session_id: UUID | None = None,
        generation: int = 0,
    ) -> Subscriber:
        """Register a stream; its subscriptions are not started."""
        identity = Identity(user_id or uuid4(), session_id or uuid4(), SESSION_ENDS_AT, generation)
        subscriber = Subscriber.create(
            identity, self.subscribers.backpressure, all_conversations=all_conversations
        )
        self.hub.register(subscriber)
        default = [] if all_conversations else [CONVERSATION_ID]
        for conversation_id in conversation_ids or default:
            self.hub.subscribe(subscriber, conversation_id)
        return subscriber

    def live_subscriber(self, user_id: UUID | None = None) -> Subscriber:
        """Register a stream that is live from the start of an empty log."""
        subscriber = self.subscriber(user_id)
        self.channel.start(0)
        (subscription,) = subscriber.subscriptions
        subscription.start(0)
        self.channel.join(subscription, subscriber)
        return subscriber

    def start(
        self, subscriber: Subscriber, last_event_id: str | None, bounds: LogBounds
    ) -> ResumePoint:
        """Start the only subscription of a stream."""
        (subscription,) = subscriber.subscriptions
        return self.starter.start(subscriber, subscription, last_event_id, bounds)

    def queued_data(self, subscriber: Subscriber) -> bytes:
        """Remove and return what is queued for a stream that does not run."""
        self.channel.flush()
        return subscriber.send_queue.pop_chunk()

    def follow(self, last_event_id: str | None = None) -> "RunningStream":
        """Open a stream as the server does."""
        subscriber = self.subscriber()
        resume_point = self.start(subscriber, last_event_id, self.log.bounds())
        return RunningStream(self, subscriber, self.starter.open_frame(resume_point))


class RecordingSink:
    """Records what a stream was sent; while `is_full`, it accepts nothing."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.direct_writes = 0
        self.is_full = False
        self.is_aborted = False
        self._changed = asyncio.Event()

    def write(self, chunk: SharedChunk) -> bool:
        """Record a shared chunk."""
        if self.is_full:
            return False
        self.sent.append(chunk.data)
        self.direct_writes += 1
        self._changed.set()
        return True

    async def send(self, data: bytes) -> None:
        """Record data, as soon as the sink accepts it."""
        while self.is_full:
            self._changed.clear()
            await self._changed.wait()
        self.sent.append(data)
        self._changed.set()

    def abort(self) -> None:
        """Record that the connection was closed."""
        self.is_aborted = True

    def set_full(self, is_full: bool) -> None:
        """Accept nothing, or everything again."""
        self.is_full = is_full
        self._changed.set()

    @property
    def data(self) -> bytes:
        """Everything that was sent."""
        return b"".join(self.sent)


class RunningStream:
    """A stream whose loop runs, with the sink that it writes to."""

    def __init__(self, harness: HubHarness, subscriber: Subscriber, open_frame: bytes) -> None:
        self.harness = harness
        self.subscriber = subscriber
        self.sink = RecordingSink()
        self.sink.sent.append(open_frame)
        self.task = asyncio.create_task(harness.realtime.stream_loop.run(subscriber, self.sink))

    @property
    def numbers(self) -> list[int]:
        """The numbers of the durable events that were sent."""
        return numbers(self.sink.data)

    async def until(self, expected: bytes) -> None:
        """Wait until these bytes were sent."""
        await until(lambda: expected in self.sink.data)

    async def wait_until_live(self) -> None:
        """Wait until nothing is left to be sent."""
        await until(lambda: self.subscriber.writable)

    async def close(self) -> None:
        """Stop the loop and remove the stream."""
        self.task.cancel()
        await asyncio.wait([self.task])
        self.harness.hub.unregister(self.subscriber)


def numbers(data: bytes) -> list[int]:
    """Return the numbers of the durable events in a part of a stream."""
    lines = data.split(b"\n")
    return [
        int(line.removeprefix(b"id: evt_"))
        for line, following in itertools.pairwise(lines)
        if line.startswith(b"id: ") and b"stream." not in following
    ]
