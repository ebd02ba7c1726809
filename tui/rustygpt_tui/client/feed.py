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
    ClientError,
    RateLimited,
    ServerError,
    TimedOut,
    Unreachable,
)

HEARTBEAT_SECONDS = 20.0
SILENCE_SECONDS = 2.5 * HEARTBEAT_SECONDS
MIN_BACKOFF = 0.5
MAX_BACKOFF = 30.0
STABLE_AFTER_SECONDS = 10.0
_FINAL = frozenset({"removed", "session_ended", "disabled", "deleted"})


@dataclass(frozen=True)
class Connecting:
    """A connection is being made."""


@dataclass(frozen=True)
class Live:
    """The stream is open: what follows is what happens, after what was missed."""


@dataclass(frozen=True)
class Disconnected:
    """The connection is gone; the next try comes in `retry_in` seconds."""

    retry_in: float
    reason: str
    """One sentence."""


FeedItem = Event | Connecting | Live | Disconnected


@dataclass
class _ReconnectState:
    """Where a feed stands between its connections."""

    position: str | None
    failures: int = 0
    server_retry: float | None = None
    """How long the server asked us to wait, in seconds."""
    live_since: float | None = None
    finished: bool = False
    reason: str = "The server closed the stream."

    def next_delay(self) -> float:
        """Seconds until the next try: what was asked, and a random time in growing bounds."""
        healthy = self.live_since and time.monotonic() - self.live_since >= STABLE_AFTER_SECONDS
        self.failures = 0 if healthy else self.failures
        longest = min(MAX_BACKOFF, MIN_BACKOFF * 2 ** min(self.failures, 10))
        requested = min(MAX_BACKOFF, self.server_retry or 0.0)
        self.failures, self.server_retry, self.live_since = self.failures + 1, None, None
        return requested + SystemRandom().uniform(0, longest)


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
    state = _ReconnectState(last_event_id)
    path = f"/api/stream/conversations/{conversation_id}"
    while not state.finished:
        yield Connecting()
        try:
            async with aclosing(_connect_once(client, path, state, silence_seconds)) as items:
                async for item in items:
                    yield item
        except (Unreachable, TimedOut, RateLimited, ServerError) as failure:
            state.reason, state.server_retry = (
                failure.sentence,
                failure.retry_after or state.server_retry,
            )
        if state.finished:
            return
        wait = state.next_delay()
        yield Disconnected(wait, state.reason)
        await asyncio.sleep(wait)


async def _connect_once(
    client: Transport, path: str, state: _ReconnectState, silence_seconds: float
) -> AsyncGenerator[FeedItem, None]:
    """The items of one connection, from its opening to its end."""
    from httpx_sse import EventSource, SSEError

    headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
    if state.position:
        headers["Last-Event-ID"] = state.position
    state.reason = "The server closed the stream."
    async with client.stream(path, headers, silence_seconds) as response:
        try:
            async with aclosing(EventSource(response).aiter_sse()) as frames:
                async for frame in frames:
                    state.server_retry = (
                        state.server_retry if frame.retry is None else frame.retry / 1000
                    )
                    event = _event(frame.data)
                    if isinstance(event, StreamOpen):
                        state.live_since = time.monotonic()
                        yield Live()
                    if event is not None:
                        yield event
                    # Moved after the reader had the event: an event is repeated, never lost.
                    state.position = frame.id or state.position
                    if isinstance(event, StreamClosed):
                        state.finished = event.payload.reason in _FINAL
                        return
        except SSEError:
            raise ClientError(
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
