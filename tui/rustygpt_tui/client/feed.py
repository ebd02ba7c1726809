"""The feed of events: connect, resume, and reconnect until the stream ends.

`follow` is the feed of one conversation, `follow_all` that of all conversations of the caller. A
feed yields the events and, between them, the state of the connection. After a `stream.reset` the
caller reloads; the feed continues without further calls.
"""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from random import SystemRandom
from typing import Any
from uuid import UUID

import msgspec

from rustygpt_shared.codec import decode_event
from rustygpt_shared.events import Event, StreamClosed, StreamOpen, StreamReset
from rustygpt_tui.client.bounded import EventText
from rustygpt_tui.client.polling import POLL_SECONDS, Polling, poll_all, poll_conversation
from rustygpt_tui.client.transport import Transport
from rustygpt_tui.errors import (
    ClientError,
    NotFound,
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
MAX_POSITIONS = 100
"""How many conversations a request may name (contract, section 2)."""
_HEADERS = {
    "Accept": "text/event-stream",
    "Accept-Encoding": "identity",
    "Cache-Control": "no-store",
}
_POSITION = re.compile(r"[A-Za-z0-9._~-]{1,128}")
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


Connection = Connecting | Live | Polling | Disconnected
FeedItem = Event | Connection


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
    poll_seconds: float = POLL_SECONDS,
) -> AsyncGenerator[FeedItem, None]:
    """Yield the events of a conversation after `last_event_id`, over as many connections as needed.

    Events of unknown types are skipped. The feed ends after a `stream.closed` with a final reason,
    and raises ClientError when the server rejects it (not signed in, not a participant, not found).
    When the server is unreachable, busy or silent for `silence_seconds`, the feed reconnects. When
    the server has no streams, it yields Polling, and a `stream.reset` whenever something changed.
    """
    state = ReconnectState(last_event_id)
    path = f"/api/stream/conversations/{conversation_id}"

    def request() -> tuple[str, dict[str, str]]:
        return path, {"Last-Event-ID": state.position} if state.position else {}

    def poll() -> AsyncGenerator[FeedItem, None]:
        return poll_conversation(client, conversation_id, state.position, poll_seconds)

    async with aclosing(_reconnecting(client, request, poll, state, silence_seconds)) as items:
        async for item in items:
            yield item


async def follow_all(
    client: Transport,
    positions: Callable[[], Mapping[UUID, str]],
    *,
    silence_seconds: float = SILENCE_SECONDS,
    poll_seconds: float = POLL_SECONDS,
) -> AsyncGenerator[FeedItem, None]:
    """Yield the events of all conversations of the caller, over as many connections as needed.

    `positions` returns the position of each conversation that the caller has loaded, at most
    `MAX_POSITIONS`; it is called for each connection, and events after these positions follow. When
    the server has no streams, each change is a `stream.open`. The rest is as with `follow`.
    """

    def request() -> tuple[str, dict[str, str]]:
        usable = [item for item in positions().items() if _is_usable(item[1])]
        named = usable[:MAX_POSITIONS]
        query = ",".join(f"{id_}:{position}" for id_, position in named)
        return f"/api/stream?positions={query}" if query else "/api/stream", {}

    def poll() -> AsyncGenerator[FeedItem, None]:
        return poll_all(client, poll_seconds)

    state = ReconnectState(None)
    async with aclosing(_reconnecting(client, request, poll, state, silence_seconds)) as items:
        async for item in items:
            yield item


async def _reconnecting(
    client: Transport,
    request: Callable[[], tuple[str, dict[str, str]]],
    poll: Callable[[], AsyncGenerator[FeedItem, None]],
    state: ReconnectState,
    silence_seconds: float,
) -> AsyncGenerator[FeedItem, None]:
    """Yield the items of connections; `request` returns the path and headers of the next one.

    `poll` is the feed of a server that has no streams.
    """
    while not state.finished:
        yield Connecting()
        connection = _connect_once(client, request(), state, silence_seconds)
        try:
            async with aclosing(_or_poll(connection, poll, state)) as items:
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


async def _or_poll(
    connection: AsyncGenerator[FeedItem, None],
    poll: Callable[[], AsyncGenerator[FeedItem, None]],
    state: ReconnectState,
) -> AsyncGenerator[FeedItem, None]:
    """Yield the items of a connection, or of `poll` when there are no streams to connect to.

    What the caller may not see is not found either; then the poll raises NotFound.
    """
    try:
        async with aclosing(connection) as items:
            async for item in items:
                yield item
        return
    except NotFound:
        pass
    async with aclosing(poll()) as polled:
        async for item in polled:
            yield item
            if isinstance(item, StreamReset):
                state.position = item.payload.last_event_id


async def _connect_once(
    client: Transport,
    request: tuple[str, dict[str, str]],
    state: ReconnectState,
    silence_seconds: float,
) -> AsyncGenerator[FeedItem, None]:
    """Yield the items of one connection."""
    from httpx_sse import EventSource, SSEError

    path, resume_headers = request
    state.reason = "The server closed the stream."
    async with client.stream(path, {**_HEADERS, **resume_headers}, silence_seconds) as response:
        try:
            text: Any = EventText(response, client.origin)
            async with aclosing(EventSource(text).aiter_sse()) as frames:
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
                    state.position = frame.id if _is_usable(frame.id) else state.position
                    if isinstance(event, StreamClosed):
                        state.finished = event.payload.reason in _FINAL
                        return
        except SSEError:
            raise ClientError(
                f"{client.origin} did not answer with an event stream; "
                "check that a RustyGPT server listens there."
            ) from None


def _is_usable(position: str) -> bool:
    """Return True for an event id that a header and a query can carry as it is.

    Of a server that sends others no more is known than that it is not ours.
    """
    return _POSITION.fullmatch(position) is not None


def _decode(data: str) -> Event | None:
    """Return the event in a frame's data; None for comments and unknown types of events."""
    if not data:
        return None
    try:
        return decode_event(data)
    except msgspec.MsgspecError:
        return None
