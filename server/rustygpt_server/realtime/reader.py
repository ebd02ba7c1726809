"""One open stream: who reads, what waits for it, and its seats in conversations."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from rustygpt_server.realtime.outbox import Item, Outbox, Pressure
from rustygpt_shared import codec
from rustygpt_shared.events import CloseReason, Closing, ResetReason


@dataclass(frozen=True, slots=True)
class Identity:
    """By what right a stream is open."""

    user_id: UUID
    session_id: UUID
    until: datetime
    """When the session ends, whatever its use."""


class Piece:
    """Bytes that many streams are sent; what they become on the wire is made once, too."""

    __slots__ = ("data", "wire")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.wire: bytes | None = None


class Sink(Protocol):
    """Where a stream's bytes go."""

    def write(self, piece: Piece) -> bool:
        """Send at once what many are sent; False when the connection has enough to do."""

    async def send(self, data: bytes) -> None:
        """Send as soon as the connection takes it."""

    def cut(self) -> None:
        """End the connection at once, whatever was not sent."""


@dataclass(slots=True, eq=False)
class Seat:
    """A reader's place in one conversation."""

    reader: "Reader"
    conversation_id: UUID
    cursor: int = 0
    """The number of the last event sent; kept until the reader has caught up with the channel."""
    checked: int = 0
    """The event number at which the right to read was last looked at."""
    reset: ResetReason | None = None
    """The reader has to load anew, and hears nothing before it was told so."""
    gone: bool = False
    """It was taken away; what waits of it is all that the reader may still be told."""


@dataclass(slots=True, eq=False)
class Reader:
    """An open stream, of one conversation or of all that a person is in."""

    identity: Identity
    outbox: Outbox[Seat]
    whole: bool = False
    """Whether it follows all conversations; its frames have no id lines then."""
    seats: list[Seat] = field(default_factory=list)
    waiting: list[Seat] = field(default_factory=list)
    """Seats that have to catch up or start over."""
    sink: Sink | None = None
    closing: bytes | None = None
    overdue: int = 0
    """How often it was seen to have something left to send although it has to end."""
    removed: dict[UUID, int] | None = None
    """While a stream of all conversations opens: removals from those it has no seat in yet."""
    direct: bool = False
    """Nothing waits, here or on the way: what comes may go straight to the connection."""
    quiet: bool = False
    """Nothing was sent since the last beat, but what went straight."""
    beating: bool = False
    """A heartbeat is due."""
    _asleep: asyncio.Future[None] | None = None

    @classmethod
    def of(cls, identity: Identity, pressure: Pressure, *, whole: bool = False) -> "Reader":
        """A stream that nobody feeds yet."""
        return cls(identity, Outbox(pressure), whole, removed={} if whole else None)

    def seat_in(self, conversation_id: UUID) -> Seat | None:
        """Its place in a conversation."""
        found = (seat for seat in self.seats if seat.conversation_id == conversation_id)
        return next(found, None)

    def tell(self, item: Item, piece: Piece | None = None, seat: Seat | None = None) -> None:
        """Hand on an event now, or queue it; `piece` is its frame as others are sent it too."""
        if self.direct and self.sink and self.sink.write(piece or Piece(item.frame)):
            return
        self.queue(item, seat)

    def queue(self, item: Item, seat: Seat | None = None) -> None:
        """Let an event wait, or note that the reader is too slow to be told everything."""
        if self.closing or (seat and seat.reset):
            return
        if not self.outbox.put(item, seat):
            for lost in self.outbox.discard() | ({seat} if seat else set()):
                self.start_over(lost, "overflow")
        self.rouse()

    def start_over(self, seat: Seat, reason: ResetReason) -> None:
        """Note that events are missing which the reader cannot be told any more."""
        if seat.reset is None:
            seat.reset = reason
            if seat not in self.waiting:
                self.waiting.append(seat)
        self.rouse()

    def beat(self) -> None:
        """Let a heartbeat be sent if nothing was since the last beat.

        One beat for all streams, and no timer for each, which would be set anew with every event.
        """
        if self.quiet:
            self.beating = True
            self.rouse()
        self.quiet = True

    def close(self, reason: CloseReason, retry_ms: int | None = None) -> None:
        """End the stream after what waits for it was sent."""
        if self.closing is None:
            self.closing = closing_frame(reason, retry_ms)
            self.rouse()

    def rouse(self) -> None:
        """Wake whoever sends."""
        self.direct = False
        if self._asleep is not None and not self._asleep.done():
            self._asleep.set_result(None)

    async def rest(self) -> None:
        """Wait for something to do; meanwhile events may go straight to the connection."""
        self._asleep = asyncio.get_running_loop().create_future()
        self.direct = self.sink is not None
        try:
            await self._asleep
        finally:
            self.direct, self._asleep = False, None


def closing_frame(reason: CloseReason, retry_ms: int | None = None) -> bytes:
    """`stream.closed`, with the time to wait before a new attempt."""
    retry = f"retry: {retry_ms}\n" if retry_ms is not None else ""
    return retry.encode() + codec.frame("stream.closed", codec.encode(Closing(reason)))
