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
from rustygpt_server.realtime.reader import Reader
from rustygpt_server.telemetry import Metrics
from rustygpt_shared.events import CloseReason
from rustygpt_shared.settings import Sse


class Ending(Struct, frozen=True):
    """Streams that lost their right: those for which all that is named here is true."""

    reason: CloseReason
    user_id: UUID | None = None
    session_id: UUID | None = None
    conversation_id: UUID | None = None
    number: int = 0
    """With a conversation: the event that tells of it; a right looked at later is a newer one."""


class Streams:
    """The open streams."""

    def __init__(self, settings: Sse, clock: Clock, metrics: Metrics) -> None:
        self.draining = False
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._open: set[Reader] = set()
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

    def add(self, reader: Reader) -> None:
        """Count a stream."""
        self._open.add(reader)
        self._of_user.setdefault(reader.identity.user_id, set()).add(reader)
        self._empty.clear()
        self._metrics.connections.inc()

    def discard(self, reader: Reader) -> bool:
        """Forget a stream; False when it was forgotten before."""
        if reader not in self._open:
            return False
        self._open.discard(reader)
        own = self._of_user[reader.identity.user_id]
        own.discard(reader)
        if not own:
            del self._of_user[reader.identity.user_id]
        if not self._open:
            self._empty.set()
        self._metrics.connections.dec()
        self._count_dropped(reader)
        return True

    def end(self, ending: Ending) -> None:
        """End the streams for which all is true that is named."""
        readers = self._open if ending.user_id is None else self._of_user.get(ending.user_id, ())
        for reader in readers:
            if _concerns(ending, reader):
                reader.close(ending.reason)

    def end_expired(self) -> None:
        """End the streams whose session has reached its absolute end."""
        now = self._clock.now()
        for reader in self._open:
            if reader.identity.until <= now:
                reader.close("session_ended")

    def beat(self) -> None:
        """Twice in the longest allowed silence: let silent streams send a heartbeat."""
        for reader in self._open:
            reader.beat()

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
        """Bring the counts of what was dropped up to date."""
        for reader in self._open:
            self._count_dropped(reader)

    def _count_dropped(self, reader: Reader) -> None:
        for kind, count in reader.outbox.settle().items():
            if count:
                self._metrics.dropped.labels(kind.name.lower()).inc(count)


def _concerns(ending: Ending, reader: Reader) -> bool:
    who = reader.identity
    return (
        ending.user_id in (None, who.user_id)
        and ending.session_id in (None, who.session_id)
        and (
            ending.conversation_id is None
            or (ending.conversation_id == reader.conversation_id and reader.checked < ending.number)
        )
    )
