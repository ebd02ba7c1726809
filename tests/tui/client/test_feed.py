"""Following a conversation over a connection that is none too good."""

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
    """A server to be told what to answer."""
    async with fake_http_server() as running:
        yield running


@pytest.fixture
async def client(server: FakeHttpServer) -> AsyncIterator[Client]:
    """A client that is signed in."""
    session = Session(server.origin)
    session.store_cookies([value for _, value in cookies(1)])
    async with Client(session) as made:
        yield made


async def collect(client: Client, last: str | None = None, **more: float) -> list[FeedItem]:
    """Everything a feed gives until it ends."""
    async with asyncio.timeout(20), aclosing(follow(client, TEA, last, **more)) as items:
        return [item async for item in items]


def kinds(items: list[FeedItem]) -> list[str]:
    """The items' types."""
    return [type(item).__name__ for item in items]


async def test_a_feed_resumes_after_the_last_event_it_gave(
    server: FakeHttpServer, client: Client
) -> None:
    """Across a break, with the position in the header, until the server says it is over."""
    server.on(
        "GET",
        PATH,
        stream(opened("evt_1"), error(2), b": still here\n\n", error(3)[:-9]),
        stream(opened("evt_2"), error(3), closed("session_ended")),
    )
    items = await collect(client, "evt_1")
    assert kinds(items) == [
        *("Connecting", "Live", "StreamOpen", "ErrorEvent", "Disconnected"),
        *("Connecting", "Live", "StreamOpen", "ErrorEvent", "StreamClosed"),
    ]
    assert [a.headers.get("last-event-id") for a in server.requests] == ["evt_1", "evt_2"]
    assert server.requests[0].headers["accept"] == "text/event-stream"


async def test_a_stream_without_a_past_starts_where_the_server_says(
    server: FakeHttpServer, client: Client
) -> None:
    """The position of `stream.open` is the resume point before any event came."""
    server.on("GET", PATH, stream(opened("evt_7")), stream(opened("evt_7"), closed("deleted")))
    await collect(client)
    assert [a.headers.get("last-event-id") for a in server.requests] == [None, "evt_7"]


async def test_what_is_not_known_here_is_left_out(server: FakeHttpServer, client: Client) -> None:
    """Later versions may add events; comments and empty data are no events."""
    later = sse_frame("tea.ready", b'{"cups":2}', event_id="evt_2")
    odd = b"event: error\ndata: {nonsense\n\nid: evt_3\n\nunknown: field\n\n"
    server.on("GET", PATH, stream(opened("evt_1"), later, odd, b":\n\n", closed("removed")))
    items = await collect(client)
    assert kinds(items) == ["Connecting", "Live", "StreamOpen", "StreamClosed"]


async def test_text_with_every_line_end_of_unicode_arrives_whole(
    server: FakeHttpServer, client: Client
) -> None:
    """Only CR and LF end a line of a stream, in whatever pieces the bytes come."""
    text = "a\u2028b\u2029c\x85d\x0be\x0cf\x1c🍵\r\ng"
    whole = opened("evt_1") + error(2, text) + closed("removed")
    server.on("GET", PATH, stream(*(whole[i : i + 3] for i in range(0, len(whole), 3))))
    items = await collect(client)
    told = [i.payload.message for i in items if isinstance(i, events.ErrorEvent)]
    assert told == [text]


async def test_a_reset_is_the_readers_to_handle(server: FakeHttpServer, client: Client) -> None:
    """It comes as an event, and the feed goes on from its position."""
    reset = sse_frame(
        "stream.reset",
        encode(events.StreamResetPayload("trimmed", "evt_90")),
        resume_position="evt_90",
    )
    server.on("GET", PATH, stream(reset), stream(opened("evt_90"), closed("disabled")))
    items = await collect(client, "evt_1")
    assert "StreamReset" in kinds(items)
    assert server.requests[1].headers["last-event-id"] == "evt_90"


async def test_a_shutdown_is_waited_out(server: FakeHttpServer, client: Client) -> None:
    """As long as the server asks, and then it goes on."""
    server.on(
        "GET",
        PATH,
        stream(opened("evt_1"), b"retry: 300\n" + closed("shutdown")),
        problem(503, "RGP.UNAVAILABLE", "Starting.", retry_after="0"),
        stream(opened("evt_1"), closed("removed")),
    )
    items = await collect(client)
    lost = [item for item in items if isinstance(item, Disconnected)]
    assert 0.3 <= lost[0].retry_in <= 0.3 + feed.MIN_BACKOFF
    assert lost[1].reason == "Starting."
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (problem(401, "RGP.AUTH.MISSING_SESSION", "Sign in."), NotSignedIn),
        (problem(404, "RGP.NOT_FOUND", "No such conversation."), NotFound),
        (problem(400, "RGP.BAD_REQUEST", "No."), ClientError),
        (FakeResponse(body={}), ClientError),
    ],
)
async def test_a_refusal_ends_the_feed(
    server: FakeHttpServer, client: Client, reply: FakeResponse, kind: type[ClientError]
) -> None:
    """Asking again would not help."""
    server.on("GET", PATH, reply)
    with pytest.raises(kind):
        await collect(client)
    assert len(server.requests) == 1


async def test_an_old_session_is_renewed_for_the_stream(
    server: FakeHttpServer, client: Client
) -> None:
    """One refresh, and the stream opens."""
    refusal = problem(401, "RGP.AUTH.EXPIRED", "Old.", www_authenticate="refresh")
    server.on("GET", PATH, refusal, stream(opened("evt_1"), closed("removed")))
    server.on("POST", "/api/auth/refresh", FakeResponse(body={}, headers=cookies(2)))
    assert kinds(await collect(client))[:2] == ["Connecting", "Live"]
    assert "token-2" in server.requests[2].headers["cookie"]


async def test_silence_is_a_loss(server: FakeHttpServer, client: Client) -> None:
    """A connection on which nothing comes is given up, and a comment is something."""
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
    began = asyncio.get_running_loop().time()
    items = await collect(client, silence_seconds=0.4)
    assert asyncio.get_running_loop().time() - began >= 1.0
    assert kinds(items)[3:5] == ["Disconnected", "Connecting"]
    never.set()


async def test_a_server_that_is_away_is_tried_again() -> None:
    """Connecting, Lost, Connecting … with a reason and a time."""
    async with fake_http_server() as gone:
        origin = gone.origin
    items: list[FeedItem] = []
    async with Client(Session(origin)) as client, aclosing(follow(client, TEA)) as feed_items:
        async for item in feed_items:
            items.append(item)
            if len(items) == 4:
                break
    assert kinds(items) == ["Connecting", "Disconnected", "Connecting", "Disconnected"]
    assert isinstance(items[1], Disconnected)
    assert "Nothing answers" in items[1].reason


def test_waits_grow_and_have_a_bound_and_are_random() -> None:
    """Full jitter: from nothing up to a bound that doubles to 30 seconds."""
    course = feed._ReconnectState(None)
    waits = [course.next_delay() for _ in range(12)]
    bounds = [min(30.0, 0.5 * 2**n) for n in range(12)]
    assert all(0 <= wait <= bound for wait, bound in zip(waits, bounds, strict=True))
    assert len(set(waits)) > 6
    course.live_since = -1_000.0
    assert course.next_delay() <= feed.MIN_BACKOFF


def test_states_can_be_told_apart() -> None:
    """A reader matches on the item's type."""
    assert {type(x) for x in (Connecting(), Live(), Disconnected(1, "x"))} == {
        Connecting,
        Live,
        Disconnected,
    }
