"""The feed of a conversation's events: connect, resume, and reconnect until the stream ends.

A feed yields the events and, between them, the state of the connection. After a `stream.reset` the
caller reloads; the feed continues without further calls.
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
    """A connection is being opened."""


@dataclass(frozen=True)
class Live:
    """The stream is open; missed events follow, then current ones."""


@dataclass(frozen=True)
class Disconnected:
    """The connection broke; the next attempt follows in `retry_in` seconds."""

    retry_in: float
    reason: str
    """Why, in one sentence."""


FeedItem = Event | Connecting | Live | Disconnected


@dataclass
class ReconnectState:
    """The state of a feed between connections."""

    position: str | None
    """The id of the last durable event that the caller received."""
    failures: int = 0
    server_retry: float | None = None
    """The time to wait that the server requested, in seconds."""
    live_since: float | None = None
    """When the stream was opened, on the monotonic clock."""
    finished: bool = False
    reason: str = "The server closed the stream."

    def next_delay(self) -> float:
        """Return the seconds until the next attempt: the requested time plus a random backoff.

        The backoff is exponential with full jitter, and starts again after a stable connection.
        """
        if self.live_since and time.monotonic() - self.live_since >= STABLE_AFTER_SECONDS:
            self.failures = 0
        backoff = min(MAX_BACKOFF, MIN_BACKOFF * 2 ** min(self.failures, 10))
        requested = min(MAX_BACKOFF, self.server_retry or 0.0)
        self.failures += 1
        self.server_retry = None
        self.live_since = None
        return requested + SystemRandom().uniform(0, backoff)


async def follow(
    client: Transport,
    conversation_id: UUID,
    last_event_id: str | None = None,
    *,
    silence_seconds: float = SILENCE_SECONDS,
) -> AsyncGenerator[FeedItem, None]:
    """Yield the events of a conversation after `last_event_id`, over as many connections as needed.

    Events of unknown types are skipped. The feed ends after a `stream.closed` with a final reason,
    and raises ClientError when the server rejects it (not signed in, not a participant, not found).
    When the server is unreachable, busy or silent for `silence_seconds`, the feed reconnects.
    """
    state = ReconnectState(last_event_id)
    path = f"/api/stream/conversations/{conversation_id}"
    while not state.finished:
        yield Connecting()
        try:
            async with aclosing(_connect_once(client, path, state, silence_seconds)) as items:
                async for item in items:
                    yield item
        except (Unreachable, TimedOut, RateLimited, ServerError) as error:
            state.reason = error.sentence
            state.server_retry = error.retry_after or state.server_retry
        if state.finished:
            return
        delay = state.next_delay()
        yield Disconnected(delay, state.reason)
        await asyncio.sleep(delay)


async def _connect_once(
    client: Transport, path: str, state: ReconnectState, silence_seconds: float
) -> AsyncGenerator[FeedItem, None]:
    """Yield the items of one connection."""
    from httpx_sse import EventSource, SSEError

    headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
    if state.position:
        headers["Last-Event-ID"] = state.position
    state.reason = "The server closed the stream."
    async with client.stream(path, headers, silence_seconds) as response:
        try:
            async with aclosing(EventSource(response).aiter_sse()) as frames:
                async for frame in frames:
                    if frame.retry is not None:
                        state.server_retry = frame.retry / 1000
                    event = _decode(frame.data)
                    if isinstance(event, StreamOpen):
                        state.live_since = time.monotonic()
                        yield Live()
                    if event is not None:
                        yield event
                    # Set after the caller got the event: it may be repeated, but is never lost.
                    state.position = frame.id or state.position
                    if isinstance(event, StreamClosed):
                        state.finished = event.payload.reason in _FINAL
                        return
        except SSEError:
            raise ClientError(
                f"{client.origin} did not answer with an event stream; "
                "check that a RustyGPT server listens there."
            ) from None


def _decode(data: str) -> Event | None:
    """Return the event in a frame's data; None for comments and unknown types of events."""
    if not data:
        return None
    try:
        return decode_event(data)
    except msgspec.MsgspecError:
        return None
