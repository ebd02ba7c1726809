"""Follow a conversation's events: connect, resume, wait and connect again, until it is over.

The reader gets the events themselves, and between them how the connection stands. What to do
about `stream.reset` is the reader's business: it loads anew, and the feed goes on by itself.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from random import SystemRandom
from uuid import UUID

import msgspec

from rustygpt_shared.codec import decode_event
from rustygpt_shared.events import Event, StreamClosed, StreamOpen
from rustygpt_tui.client.transport import Transport
from rustygpt_tui.errors import (
    Failure,
    RateLimited,
    ServerFault,
    TimedOut,
    Unreachable,
)

HEARTBEAT_SECONDS = 20.0
SILENCE_SECONDS = 2.5 * HEARTBEAT_SECONDS
FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0
HEALTHY_SECONDS = 10.0
_FINAL = frozenset({"removed", "session_ended", "disabled", "deleted"})


@dataclass(frozen=True)
class Connecting:
    """A connection is being made."""


@dataclass(frozen=True)
class Live:
    """The stream is open: what follows is what happens, after what was missed."""


@dataclass(frozen=True)
class Lost:
    """The connection is gone; the next try comes in `retry_in` seconds."""

    retry_in: float
    reason: str
    """One sentence."""


FeedItem = Event | Connecting | Live | Lost


@dataclass
class _Course:
    """Where a feed stands between its connections."""

    position: str | None
    misses: int = 0
    told: float | None = None
    """How long the server asked us to wait, in seconds."""
    live_since: float | None = None
    over: bool = False
    reason: str = "The server closed the stream."

    def wait(self) -> float:
        """Seconds until the next try: what was asked, and a random time in growing bounds."""
        healthy = self.live_since and time.monotonic() - self.live_since >= HEALTHY_SECONDS
        self.misses = 0 if healthy else self.misses
        longest = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(self.misses, 10))
        asked = min(LONGEST_WAIT, self.told or 0.0)
        self.misses, self.told, self.live_since = self.misses + 1, None, None
        return asked + SystemRandom().uniform(0, longest)


async def follow(
    client: Transport,
    conversation_id: UUID,
    last_event_id: str | None = None,
    *,
    silence_seconds: float = SILENCE_SECONDS,
) -> AsyncGenerator[FeedItem, None]:
    """The events of a conversation after `last_event_id`, by whatever connections it takes.

    Events of types that are not known here are left out. It ends after a `stream.closed` that is
    final, and raises Failure when the server refuses (no session, no member, no such thing); a
    server that is away, busy or silent is tried again for ever.
    """
    course = _Course(last_event_id)
    path = f"/api/stream/conversations/{conversation_id}"
    while not course.over:
        yield Connecting()
        try:
            async with aclosing(_connection(client, path, course, silence_seconds)) as items:
                async for item in items:
                    yield item
        except (Unreachable, TimedOut, RateLimited, ServerFault) as failure:
            course.reason, course.told = failure.sentence, failure.retry_after or course.told
        if course.over:
            return
        wait = course.wait()
        yield Lost(wait, course.reason)
        await asyncio.sleep(wait)


async def _connection(
    client: Transport, path: str, course: _Course, silence_seconds: float
) -> AsyncGenerator[FeedItem, None]:
    """The items of one connection, from its opening to its end."""
    from httpx_sse import EventSource, SSEError

    headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
    if course.position:
        headers["Last-Event-ID"] = course.position
    course.reason = "The server closed the stream."
    async with client.stream(path, headers, silence_seconds) as response:
        try:
            async with aclosing(EventSource(response).aiter_sse()) as frames:
                async for frame in frames:
                    course.told = course.told if frame.retry is None else frame.retry / 1000
                    event = _event(frame.data)
                    if isinstance(event, StreamOpen):
                        course.live_since = time.monotonic()
                        yield Live()
                    if event is not None:
                        yield event
                    # Moved after the reader had the event: an event is repeated, never lost.
                    course.position = frame.id or course.position
                    if isinstance(event, StreamClosed):
                        course.over = event.payload.reason in _FINAL
                        return
        except SSEError:
            raise Failure(
                f"{client.origin} answered with no event stream; "
                "check that a RustyGPT server listens there."
            ) from None


def _event(data: str) -> Event | None:
    """The event in a frame; None for comments, and for what later versions may add."""
    if not data:
        return None
    try:
        return decode_event(data)
    except msgspec.MsgspecError:
        return None
