"""The feed of a conversation over an unreliable connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from uuid import UUID

import pytest
from tests.support.fakes.fake_http_server import (
    FakeHttpServer,
    FakeResponse,
    fake_http_server,
    problem,
)
from tests.support.sample_models import TEA, cookies
from tests.support.streams.sse_frames import closed, error, opened, stream

from rustygpt_shared import events
from rustygpt_shared.codec import encode, sse_frame
from rustygpt_tui.client import feed
from rustygpt_tui.client.feed import Connecting, Disconnected, FeedItem, Live, follow
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.session import Session
from rustygpt_tui.errors import ClientError, NotFound, NotSignedIn

PATH = f"/api/stream/conversations/{TEA}"
ANSWER = UUID(int=5)


@pytest.fixture
async def server() -> AsyncIterator[FakeHttpServer]:
    """A fake server."""
    async with fake_http_server() as running:
        yield running


@pytest.fixture
async def client(server: FakeHttpServer) -> AsyncIterator[Client]:
    """A signed-in client."""
    session = Session(server.origin)
    session.store_cookies([value for _, value in cookies(1)])
    async with Client(session) as signed_in:
        yield signed_in


async def collect(client: Client, last: str | None = None, **more: float) -> list[FeedItem]:
    """Return all items of a feed until it ends."""
    async with asyncio.timeout(60), aclosing(follow(client, TEA, last, **more)) as items:
        return [item async for item in items]


def type_names(items: list[FeedItem]) -> list[str]:
    """Return the names of the items' types."""
    return [type(item).__name__ for item in items]


async def test_a_feed_resumes_after_the_last_event(server: FakeHttpServer, client: Client) -> None:
    """After a break it sends the position in a header; a final `stream.closed` ends it."""
    server.on(
        "GET",
        PATH,
        stream(opened("evt_1"), error(2), b": still here\n\n", error(3)[:-9]),
        stream(opened("evt_2"), error(3), closed("session_ended")),
    )
    items = await collect(client, "evt_1")
    assert type_names(items) == [
        "Connecting",
        "Live",
        "StreamOpen",
        "ErrorEvent",
        "Disconnected",
        "Connecting",
        "Live",
        "StreamOpen",
        "ErrorEvent",
        "StreamClosed",
    ]
    assert [r.headers.get("last-event-id") for r in server.requests] == ["evt_1", "evt_2"]
    assert server.requests[0].headers["accept"] == "text/event-stream"


async def test_a_feed_without_a_position_uses_the_one_of_the_server(
    server: FakeHttpServer, client: Client
) -> None:
    """The position in `stream.open` is used to resume before the first event."""
    server.on("GET", PATH, stream(opened("evt_7")), stream(opened("evt_7"), closed("deleted")))
    await collect(client)
    assert [r.headers.get("last-event-id") for r in server.requests] == [None, "evt_7"]


async def test_unknown_events_are_skipped(server: FakeHttpServer, client: Client) -> None:
    """Later versions may add events; comments and empty data are not events."""
    unknown = sse_frame("tea.ready", b'{"cups":2}', event_id="evt_2")
    malformed = b"event: error\ndata: {nonsense\n\nid: evt_3\n\nunknown: field\n\n"
    server.on("GET", PATH, stream(opened("evt_1"), unknown, malformed, b":\n\n", closed("removed")))
    items = await collect(client)
    assert type_names(items) == ["Connecting", "Live", "StreamOpen", "StreamClosed"]


async def test_text_with_any_unicode_line_end_arrives_complete(
    server: FakeHttpServer, client: Client
) -> None:
    """Only CR and LF end a line of a stream, however the bytes are divided."""
    text = "a\u2028b\u2029c\x85d\x0be\x0cf\x1c🍵\r\ng"
    data = opened("evt_1") + error(2, text) + closed("removed")
    server.on("GET", PATH, stream(*(data[i : i + 3] for i in range(0, len(data), 3))))
    items = await collect(client)
    messages = [i.payload.message for i in items if isinstance(i, events.ErrorEvent)]
    assert messages == [text]


async def test_a_reset_is_passed_on_to_the_caller(server: FakeHttpServer, client: Client) -> None:
    """It is an event of the feed, which continues from the reset's position."""
    reset = sse_frame(
        "stream.reset",
        encode(events.StreamResetPayload("trimmed", "evt_90")),
        resume_position="evt_90",
    )
    server.on("GET", PATH, stream(reset), stream(opened("evt_90"), closed("disabled")))
    items = await collect(client, "evt_1")
    assert "StreamReset" in type_names(items)
    assert server.requests[1].headers["last-event-id"] == "evt_90"


async def test_a_feed_reconnects_after_a_shutdown(server: FakeHttpServer, client: Client) -> None:
    """It waits as long as the server requests."""
    server.on(
        "GET",
        PATH,
        stream(opened("evt_1"), b"retry: 300\n" + closed("shutdown")),
        problem(503, "RGP.UNAVAILABLE", "Starting.", retry_after="0"),
        stream(opened("evt_1"), closed("removed")),
    )
    items = await collect(client)
    breaks = [item for item in items if isinstance(item, Disconnected)]
    assert 0.3 <= breaks[0].retry_in <= 0.3 + feed.MIN_BACKOFF
    assert breaks[1].reason == "Starting."
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("response", "error_type"),
    [
        (problem(401, "RGP.AUTH.MISSING_SESSION", "Sign in."), NotSignedIn),
        (problem(404, "RGP.NOT_FOUND", "No such conversation."), NotFound),
        (problem(400, "RGP.BAD_REQUEST", "No."), ClientError),
        (FakeResponse(body={}), ClientError),
    ],
)
async def test_a_rejected_stream_ends_the_feed(
    server: FakeHttpServer, client: Client, response: FakeResponse, error_type: type[ClientError]
) -> None:
    """A second request would be rejected too; one asks whether the conversation is there."""
    server.on("GET", PATH, response)
    with pytest.raises(error_type):
        await collect(client)
    expected = [PATH] if error_type is not NotFound else [PATH, f"/api/conversations/{TEA}"]
    assert [request.path for request in server.requests] == expected


async def test_the_session_is_refreshed_for_the_stream(
    server: FakeHttpServer, client: Client
) -> None:
    """After one refresh the stream opens."""
    expired = problem(401, "RGP.AUTH.EXPIRED", "Old.", www_authenticate="refresh")
    server.on("GET", PATH, expired, stream(opened("evt_1"), closed("removed")))
    server.on("POST", "/api/auth/refresh", FakeResponse(body={}, headers=cookies(2)))
    assert type_names(await collect(client))[:2] == ["Connecting", "Live"]
    assert "token-2" in server.requests[2].headers["cookie"]


async def test_a_silent_connection_is_replaced(server: FakeHttpServer, client: Client) -> None:
    """A connection without data breaks; comments count as data."""
    never = asyncio.Event()

    async def silent() -> AsyncIterator[bytes]:
        yield opened("evt_1")
        for _ in range(3):
            await asyncio.sleep(0.2)
            yield b": here\n\n"
        await never.wait()

    server.on(
        "GET", PATH, FakeResponse(stream=silent()), stream(opened("evt_1"), closed("removed"))
    )
    started = asyncio.get_running_loop().time()
    items = await collect(client, silence_seconds=0.4)
    assert asyncio.get_running_loop().time() - started >= 1.0
    assert type_names(items)[3:5] == ["Disconnected", "Connecting"]
    never.set()


async def test_an_unreachable_server_is_tried_again() -> None:
    """Connecting and Disconnected alternate, with a reason and a delay."""
    async with fake_http_server() as stopped:
        origin = stopped.origin
    items: list[FeedItem] = []
    async with Client(Session(origin)) as client, aclosing(follow(client, TEA)) as feed_items:
        async for item in feed_items:
            items.append(item)
            if len(items) == 4:
                break
    assert type_names(items) == ["Connecting", "Disconnected", "Connecting", "Disconnected"]
    assert isinstance(items[1], Disconnected)
    assert "Nothing answers" in items[1].reason


def test_the_backoff_is_random_and_bounded() -> None:
    """Full jitter: from 0 to a bound that doubles up to 30 s."""
    state = feed.ReconnectState(None)
    delays = [state.next_delay() for _ in range(12)]
    bounds = [min(30.0, 0.5 * 2**n) for n in range(12)]
    assert all(0 <= delay <= bound for delay, bound in zip(delays, bounds, strict=True))
    assert len(set(delays)) > 6
    state.live_since = -1_000.0
    assert state.next_delay() <= feed.MIN_BACKOFF


def test_connection_states_have_separate_types() -> None:
    """Callers match on the type of an item."""
    assert {type(x) for x in (Connecting(), Live(), Disconnected(1, "x"))} == {
        Connecting,
        Live,
        Disconnected,
    }
