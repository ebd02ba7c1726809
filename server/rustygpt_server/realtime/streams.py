"""Every open stream of this process: how many there are, and which of them end when and why.

What they are sent is the business of channels.
"""

import asyncio
import random
from collections.abc import Iterator
from contextlib import suppress
from uuid import UUID

from msgspec import Struct

from rustygpt_server.clock import Clock
from rustygpt_server.realtime.outbox import Kind, Pressure
from rustygpt_server.realtime.reader import Reader, Seat
from rustygpt_server.telemetry import Metrics, log
from rustygpt_shared.events import CloseReason
from rustygpt_shared.settings import Sse

_log = log(__name__)

OVERDUE = 3
"""A stream that has to end and was looked at so often is cut."""
SLOTS = 16
"""Heartbeats go out in so many groups: thousands at once would hold up everything else."""


class Ending(Struct, frozen=True):
    """Streams that lost their right: those for which all that is named here is true."""

    reason: CloseReason
    user_id: UUID | None = None
    session_id: UUID | None = None
    conversation_id: UUID | None = None
    number: int | None = None
    """With a conversation: the event that tells of it; a right looked at later is a newer one."""


class Streams:
    """The open streams."""

    def __init__(self, settings: Sse, clock: Clock, metrics: Metrics) -> None:
        self.draining = False
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self.pressure = Pressure(settings)
        self._open: set[Reader] = set()
        self._wheel: list[set[Reader]] = [set() for _ in range(SLOTS)]
        self.beat_seconds = settings.heartbeat_seconds / 2 / SLOTS
        """How often `beat` wants to be called."""
        self._hand = int(clock.monotonic() / self.beat_seconds)
        self._of_user: dict[UUID, set[Reader]] = {}
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Reader]:
        return iter(list(self._open))

    def is_full_for(self, user_id: UUID) -> bool:
        """Whether one more stream of this person would be too many."""
        return (
            self.draining
            or len(self._open) >= self._settings.max_streams
            or len(self._of_user.get(user_id, ())) >= self._settings.max_streams_per_user
        )

    def of_user(self, user_id: UUID) -> list[Reader]:
        """A person's open streams."""
        return list(self._of_user.get(user_id, ()))

    def add(self, reader: Reader) -> None:
        """Count a stream."""
        min(self._wheel, key=len).add(reader)
        self._open.add(reader)
        self._of_user.setdefault(reader.identity.user_id, set()).add(reader)
        self._empty.clear()
        self._metrics.connections.inc()

    def discard(self, reader: Reader) -> bool:
        """Forget a stream; False when it was forgotten before."""
        if reader not in self._open:
            return False
        self._open.discard(reader)
        for slot in self._wheel:
            slot.discard(reader)
        own = self._of_user[reader.identity.user_id]
        own.discard(reader)
        if not own:
            del self._of_user[reader.identity.user_id]
        if not self._open:
            self._empty.set()
        self._metrics.connections.dec()
        return True

    def end(self, ending: Ending) -> list[Seat]:
        """End the streams for which all is true that is named.

        Answers the seats that streams of all conversations lose, and go on without.
        """
        readers = self._open if ending.user_id is None else self._of_user.get(ending.user_id, ())
        lost = []
        for reader in readers:
            if ending.session_id not in (None, reader.identity.session_id):
                continue
            if ending.conversation_id is None:
                reader.close(ending.reason)
                continue
            _remember(ending, reader)
            seat = reader.seat_in(ending.conversation_id)
            if seat is None or (ending.number is not None and seat.checked >= ending.number):
                continue  # no seat, or one by a newer right
            if reader.whole:
                lost.append(seat)
            else:
                reader.close(ending.reason)
        return lost

    def start_over(self, conversation_id: UUID, number: int) -> None:
        """Have all readers of a conversation load anew, also those that are not live yet.

        Its log went back to a number: they know later ones that others get now.
        """
        for reader in self._open:
            if seat := reader.seat_in(conversation_id):
                seat.checked = min(seat.checked, number)
                reader.start_over(seat, "trimmed")

    def end_expired(self) -> None:
        """End the streams whose session has reached its absolute end."""
        now = self._clock.now()
        for reader in self._open:
            if reader.identity.until <= now:
                reader.close("session_ended")

    def cut_overdue(self) -> None:
        """Cut the streams whose readers are too slow to be told that it is over.

        To be called several times in the two seconds that a right may outlive its end.
        """
        for reader in self._open:
            if reader.closing is not None:
                reader.overdue += 1
                if reader.overdue >= OVERDUE and reader.sink is not None:
                    reader.sink.cut()

    def beat(self) -> None:
        """Let silent streams send a heartbeat: each is looked at twice in the longest silence."""
        now = int(self._clock.monotonic() / self.beat_seconds)
        for hand in range(max(self._hand, now - SLOTS) + 1, now + 1):
            for reader in self._wheel[hand % SLOTS]:
                reader.beat()
        self._hand = now

    async def drain(self, seconds: float) -> None:
        """End every stream, each with its own time to come back, and wait until they are gone."""
        self.draining = True
        for reader in self._open:
            reader.close("shutdown", retry_ms=self.retry_ms())
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._empty.wait()

    def retry_ms(self) -> int:
        """A time to wait before connecting again, spread so that not all come at once."""
        return random.randint(500, 3_000)  # noqa: S311 - jitter is no secret

    def settle(self) -> None:
        """Bring the counts of what was dropped up to date, and say when readers are slow."""
        slow, self.pressure.slow = self.pressure.slow, 0
        if slow:
            self._metrics.slow_readers.inc(slow)
            _log.warning("readers are slow", times=slow, streams=len(self._open))
        for kind in Kind:
            count, self.pressure.dropped[kind] = self.pressure.dropped[kind], 0
            if count:
                self._metrics.dropped.labels(kind.name.lower()).inc(count)


def _remember(ending: Ending, reader: Reader) -> None:
    if reader.removed is not None and ending.conversation_id:
        known = reader.removed.get(ending.conversation_id, 0)
        reader.removed[ending.conversation_id] = max(known, ending.number or 0)
