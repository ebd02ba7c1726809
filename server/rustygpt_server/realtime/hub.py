"""The hub: hands every event to the streams of its conversation, here and in other processes.

It encodes once, never waits for a reader, and keeps nothing of conversations that nobody reads.
How a stream is brought up to date is the business of `writer`.
"""

from collections.abc import Callable, Iterable
from typing import Protocol
from uuid import UUID

from rustygpt_server.clock import Clock, TimeLimits
from rustygpt_server.db.rows import Logged
from rustygpt_server.realtime.backplane import Backplane
from rustygpt_server.realtime.catchup import CatchUp, EventLog
from rustygpt_server.realtime.channel import Channel, frame
from rustygpt_server.realtime.memory import MemoryBackplane
from rustygpt_server.realtime.outbox import Item, Kind
from rustygpt_server.realtime.passages import Passage
from rustygpt_server.realtime.reader import Piece, Reader, Seat
from rustygpt_server.realtime.ring import Rings, without_id
from rustygpt_server.realtime.streams import Ending, Streams
from rustygpt_server.realtime.told import membership
from rustygpt_server.realtime.words import Happened
from rustygpt_server.telemetry import Metrics, log
from rustygpt_shared import codec
from rustygpt_shared.events import Membership, ResetAt, ResetReason
from rustygpt_shared.ids import event_id
from rustygpt_shared.settings import Sse

_log = log(__name__)


class LiveAnswer(Protocol):
    """An answer in progress, which a reader may join in the middle."""

    message_id: UUID
    conversation_id: UUID

    def whole(self) -> bytes | None:
        """One `message.delta` frame with the whole text so far; None while there is no text."""


class Hub:
    """The streams of this process."""

    def __init__(
        self,
        event_log: EventLog,
        settings: Sse,
        limits: TimeLimits,
        clock: Clock,
        metrics: Metrics,
        backplane: Backplane | None = None,
    ) -> None:
        self.log = event_log
        self.backplane: Backplane = backplane or MemoryBackplane()
        self.settings = settings
        self.limits = limits
        self.metrics = metrics
        self._clock = clock
        self._channels: dict[UUID, Channel] = {}
        patience = 0 if settings.persistence.enabled else limits.log_check
        self.catch_up = CatchUp(event_log, self._channels, limits, clock, patience)
        self._rings = Rings()
        self._answers: dict[UUID, dict[UUID, LiveAnswer]] = {}
        self._idle_since: dict[UUID, float] = {}
        self.streams = Streams(settings, clock, metrics)
        self.catch_up.watch_back(self.streams.start_over)
        self._watchers: list[Callable[[Logged], None]] = []

    # Telling

    def publish(self, conversation_id: UUID, events: Iterable[Logged]) -> None:
        """Hand durable events to the conversation's readers everywhere, after their commit."""
        events = list(events)
        if not events:
            return
        for event in events:
            self.metrics.events.labels(event.type).inc()
        self.backplane.announce(conversation_id, events[-1].number)
        if not self.settings.persistence.enabled:
            self.backplane.say(Happened(events))
        self.take(conversation_id, events)

    def take(self, conversation_id: UUID, events: Iterable[Logged]) -> None:
        """Hand durable events to the conversation's readers in this process."""
        channel = self._channels.get(conversation_id)
        if channel is None:
            return
        if channel.publish(events):
            self.catch_up.note_told(channel)
        else:
            self.catch_up.note_gap(channel)

    def look_again(self) -> None:
        """Compare open streams with the log: it may have events that nobody published."""
        self.catch_up.check_soon()

    def tell_passage(self, passage: Passage) -> None:
        """Hand what an answer grew by to the conversation's readers everywhere."""
        if passage.conversation_id in self._channels:
            self.tell_text(passage)
        self.backplane.say(passage)

    def tell_text(self, passage: Passage) -> None:
        """Hand what an answer grew by to the conversation's readers in this process."""
        item = Item(Kind.DELTA, passage.frame(), passage.message_id, passage)
        self._tell(passage.conversation_id, item)

    def tell(self, conversation_id: UUID, data: bytes) -> None:
        """Hand a passing event to the conversation's readers in this process."""
        self._tell(conversation_id, Item(Kind.TRANSIENT, data))

    def _tell(self, conversation_id: UUID, item: Item) -> None:
        channel = self._channels.get(conversation_id)
        if channel is not None:
            channel.tell(item)

    def tell_all(self, conversation_ids: Iterable[UUID], data: bytes) -> None:
        """Hand a passing event once to each reader, in this process, of any of these."""
        found = [self._channels.get(one) for one in conversation_ids]
        channels = [channel for channel in found if channel is not None and channel.seats]
        if len(channels) == 1:
            channels[0].tell(Item(Kind.TRANSIENT, data))
        else:
            self.tell_readers({seat.reader for one in channels for seat in one.seats}, data)

    def tell_user(self, conversation_id: UUID, user_id: UUID, data: bytes) -> None:
        """Hand a passing event to one person's streams of a conversation in this process."""
        channel = self._channels.get(conversation_id)
        seats = channel.seats if channel else {}
        own = self.streams.of_user(user_id)
        self.tell_readers([one for one in own if one.seat_in(conversation_id) in seats], data)

    def tell_readers(self, readers: Iterable[Reader], data: bytes) -> None:
        """Hand a passing event to some streams of this process."""
        item, piece = Item(Kind.TRANSIENT, data), Piece(data)
        for reader in readers:
            reader.tell(item, piece)

    def watch(self, watcher: Callable[[Logged], None]) -> None:
        """Call a function with every durable event that readers of this process get, in order."""
        self._watchers.append(watcher)

    def _heard(self, event: Logged) -> None:
        channel = self._channels.get(event.conversation_id)
        self.metrics.deliveries.inc(len(channel.seats) if channel else 0)
        change = membership(event)
        if channel is not None and change and change.action == "removed":
            self._end_removed(channel, event, change)
        for watcher in self._watchers:
            try:
                watcher(event)
            except Exception:  # noqa: BLE001 - a boundary: the event has happened, and goes on
                _log.error("an event was not understood", type=event.type, exc_info=True)

    # Answers in progress

    def begin(self, answer: LiveAnswer) -> None:
        """Let readers join an answer in the middle."""
        self._answers.setdefault(answer.conversation_id, {})[answer.message_id] = answer

    def finish(self, answer: LiveAnswer) -> None:
        """Forget an answer; its final text is a durable event."""
        answers = self._answers.get(answer.conversation_id, {})
        answers.pop(answer.message_id, None)
        if not answers:
            self._answers.pop(answer.conversation_id, None)

    def answers(self, conversation_id: UUID) -> list[LiveAnswer]:
        """The answers in progress in a conversation."""
        return list(self._answers.get(conversation_id, {}).values())

    # Readers

    def channel(self, conversation_id: UUID) -> Channel:
        """The conversation's channel, made when there is none yet."""
        channel = self._channels.get(conversation_id)
        if channel is None:
            channel = self._channels[conversation_id] = Channel(
                conversation_id, self._rings, self._heard
            )
        self._idle_since.pop(conversation_id, None)
        return channel

    def join(self, reader: Reader) -> None:
        """Count a stream, before its right is checked: what ends it meanwhile is not missed."""
        self.streams.add(reader)

    def sit(self, reader: Reader, conversation_id: UUID) -> Seat:
        """Give a stream a seat in a conversation; it hears nothing before it has caught up."""
        self.channel(conversation_id).interest += 1
        seat = Seat(reader, conversation_id)
        reader.seats.append(seat)
        return seat

    def rise(self, seat: Seat) -> None:
        """Take a seat away."""
        seat.gone, seat.reset = True, None
        seat.reader.seats.remove(seat)
        if seat in seat.reader.waiting:
            seat.reader.waiting.remove(seat)
        channel = self._channels[seat.conversation_id]
        channel.unseat(seat)
        channel.interest -= 1
        if not channel.interest:
            self._note_idle(channel)

    def leave(self, reader: Reader) -> None:
        """Forget a stream."""
        if self.streams.discard(reader):
            for seat in list(reader.seats):
                self.rise(seat)

    def _note_idle(self, channel: Channel) -> None:
        if channel.position is None:
            self._channels.pop(channel.conversation_id, None)  # nobody got to reading it
        else:
            self._idle_since[channel.conversation_id] = self._clock.monotonic()

    def _end_removed(self, channel: Channel, event: Logged, change: Membership) -> None:
        """End a removed person's streams with the event that tells of it."""
        channel.flush()
        ending = Ending(
            "removed",
            user_id=change.user_id,
            conversation_id=event.conversation_id,
            number=event.number,
        )
        for seat in self.streams.end(ending):
            untold = seat not in channel.seats or seat.reset
            self.rise(seat)
            if untold:  # this is all it needs to know, whatever else it lacks
                item = Item(Kind.DURABLE, without_id(frame(event).frame))
                seat.reader.tell(item, seat=seat)

    def end(self, ending: Ending) -> None:
        """End the streams of this process that lost their right; those of all go on without."""
        for seat in self.streams.end(ending):
            self.rise(seat)
            gone = self.reset(seat.conversation_id, ending.number or 0, "removed")
            seat.reader.tell(Item(Kind.DURABLE, gone), seat=seat)

    def reset(self, room: UUID | None, position: int, reason: ResetReason) -> bytes:
        """`stream.reset`; it names its conversation where a stream has several."""
        self.metrics.resets.labels(reason).inc()
        payload = codec.encode(ResetAt(reason, event_id(position), room))
        at = None if room else event_id(position)
        return codec.frame("stream.reset", payload, position=at)

    def is_short_of(self, conversation_id: UUID, number: int) -> bool:
        """Whether readers here are still to be told an event."""
        channel = self._channels.get(conversation_id)
        return channel is not None and (channel.position is None or channel.position < number)

    async def drain(self) -> None:
        """End every stream, and wait until they are gone."""
        await self.streams.drain(self.limits.drain)
        await self.catch_up.stop()

    def readers_of(self, conversation_id: UUID) -> dict[UUID, list[Reader]]:
        """The live streams of a conversation, by person."""
        found: dict[UUID, list[Reader]] = {}
        channel = self._channels.get(conversation_id)
        for seat in channel.seats if channel else ():
            found.setdefault(seat.reader.identity.user_id, []).append(seat.reader)
        return found

    def forget_idle(self) -> None:
        """Drop the recent events of conversations that nobody has read for a while."""
        horizon = self._clock.monotonic() - self.limits.ring_idle
        for conversation_id, since in list(self._idle_since.items()):
            if since <= horizon:
                del self._idle_since[conversation_id]
                self._channels.pop(conversation_id).ring.clear()

    def statistics(self) -> dict[str, int]:
        """Counts for people who look inside."""
        return {
            "streams": len(self.streams),
            "conversations": len(self._channels),
            "ring_bytes": self._rings.size,
            "waiting_events": sum(len(reader.outbox) for reader in self.streams),
            "answers": sum(map(len, self._answers.values())),
        }

    async def pause(self) -> None:
        """Wait before the log is asked again."""
        await self._clock.sleep(self.limits.log_check)
