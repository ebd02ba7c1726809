"""One open stream: who reads, how far the reader is, and what waits for it."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from rustygpt_server.realtime.outbox import Kind, Outbox
from rustygpt_shared import codec
from rustygpt_shared.events import CloseReason, Closing
from rustygpt_shared.ids import event_id


@dataclass(frozen=True)
class Identity:
    """By what right a stream is open."""

    user_id: UUID
    session_id: UUID
    until: datetime
    """When the session ends, whatever its use."""


@dataclass(eq=False)
class Reader:
    """An open stream of one conversation."""

    conversation_id: UUID
    identity: Identity
    outbox: Outbox
    cursor: int = 0
    """The number of the last durable event that was queued or sent."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    closing: bytes | None = None
    checked: int = 0
    """The event number at which the right to read was last looked at."""
    overflowed: bool = False
    quiet: bool = False
    """Nothing was sent since the last beat."""
    beating: bool = False
    """A heartbeat is due."""

    def offer(self, kind: Kind, frame: bytes, answer: UUID | None = None) -> None:
        """Queue a frame, or note that the reader is too slow to be told everything."""
        if self.closing or self.overflowed:
            return
        if not self.outbox.put(kind, frame, answer):
            self.start_over()
        self.wake.set()

    def start_over(self) -> None:
        """Note that events are missing which the reader cannot be told any more."""
        self.outbox.discard()
        self.overflowed = True
        self.wake.set()

    def beat(self) -> None:
        """Let a heartbeat be sent if nothing was since the last beat.

        One beat for all streams, and no timer for each, which would be set anew with every event.
        """
        if self.quiet:
            self.beating = True
            self.wake.set()
        self.quiet = True

    def close(self, reason: CloseReason, retry_ms: int | None = None) -> None:
        """End the stream after what waits for it was sent."""
        if self.closing is None:
            self.closing = closing_frame(reason, retry_ms)
            self.wake.set()


def closing_frame(reason: CloseReason, retry_ms: int | None = None) -> bytes:
    """`stream.closed`, with the time to wait before a new attempt."""
    retry = f"retry: {retry_ms}\n" if retry_ms is not None else ""
    return retry.encode() + codec.frame("stream.closed", codec.encode(Closing(reason)))


def position_frame(kind: str, payload: object, position: int) -> bytes:
    """`stream.open` or `stream.reset`: its id line is where the stream goes on."""
    return codec.frame(kind, codec.encode(payload), position=event_id(position))
