"""The feeds of a server without streams."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import chain, repeat

import pytest
from tests.support.fakes.fake_http_server import (
    FakeHttpServer,
    FakeResponse,
    RecordedRequest,
    fake_http_server,
    problem,
)
from tests.support.sample_models import TEA, conversation, cookies

from rustygpt_shared.events import StreamOpen, StreamReset
from rustygpt_shared.models.conversations import ConversationList
from rustygpt_tui.client.feed import Connecting, Disconnected, FeedItem, follow, follow_all
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.polling import Polling
from rustygpt_tui.client.session import Session

NO_ROUTE = problem(404, "RGP.NOT_FOUND", "There is nothing at this address.")
ONE = f"/api/conversations/{TEA}"


@pytest.fixture
async def server() -> AsyncIterator[FakeHttpServer]:
    """A fake server without streams."""
    async with fake_http_server() as running:
        running.on("GET", f"/api/stream/conversations/{TEA}", NO_ROUTE)
        running.on("GET", "/api/stream", NO_ROUTE)
        yield running


@pytest.fixture
async def client(server: FakeHttpServer) -> AsyncIterator[Client]:
    """A signed-in client."""
    session = Session(server.origin)
    session.store_cookies([value for _, value in cookies(1)])
    async with Client(session) as signed_in:
        yield signed_in


def _positions(server: FakeHttpServer, *positions: str) -> None:
    """Serve the conversation at these positions, one after the other; the last one stays."""
    given = chain(positions, repeat(positions[-1]))
    server.on("GET", ONE, lambda _: FakeResponse(body=conversation(last_event_id=next(given))))


async def _items(feed: object, count: int) -> list[FeedItem]:
    """Return the first items of a feed."""
    items: list[FeedItem] = []
    async with asyncio.timeout(60), aclosing(feed) as opened:  # type: ignore[type-var]
        async for item in opened:  # type: ignore[attr-defined]
            items.append(item)
            if len(items) == count:
                break
    return items


async def test_a_change_is_a_reset(server: FakeHttpServer, client: Client) -> None:
    """Once for each new position; what was there at the start is none."""
    _positions(server, "evt_3", "evt_3", "evt_5", "evt_5", "evt_6")
    items = await _items(follow(client, TEA, "evt_3", poll_seconds=0.01), 4)

    assert items[:2] == [Connecting(), Polling(0.01)]
    resets = [item for item in items if isinstance(item, StreamReset)]
    assert [reset.payload.last_event_id for reset in resets] == ["evt_5", "evt_6"]


async def test_what_happened_before_the_poll_is_a_change(
    server: FakeHttpServer, client: Client
) -> None:
    """The position that the caller has may be older than the first one that is polled."""
    _positions(server, "evt_9")
    items = await _items(follow(client, TEA, "evt_3", poll_seconds=0.01), 3)

    assert isinstance(items[2], StreamReset)
    assert items[2].payload.last_event_id == "evt_9"


async def test_an_error_ends_the_poll_and_the_feed_connects_again(
    server: FakeHttpServer, client: Client
) -> None:
    """As with a stream; nothing that changed meanwhile is lost."""
    failing = problem(503, "RGP.UNAVAILABLE", "The server is shutting down.")
    given = chain(
        [FakeResponse(body=conversation(last_event_id="evt_3")), failing],
        repeat(FakeResponse(body=conversation(last_event_id="evt_4"))),
    )

    def handler(_: RecordedRequest) -> FakeResponse:
        return next(given)

    server.on("GET", ONE, handler)
    items = await _items(follow(client, TEA, "evt_3", poll_seconds=0.01), 6)

    assert [type(item) for item in items] == [
        *(Connecting, Polling, Disconnected),
        *(Connecting, Polling, StreamReset),
    ]


async def test_all_conversations_are_polled_by_their_list(
    server: FakeHttpServer, client: Client
) -> None:
    """A changed row is a `stream.open` with the positions; without changes every tenth poll is."""
    lists = [conversation(last_event_id="evt_1"), conversation(last_event_id="evt_2")]
    given = chain([lists[0], lists[0]], repeat(lists[1]))
    server.on(
        "GET", "/api/conversations", lambda _: FakeResponse(body=ConversationList([next(given)]))
    )
    items = await _items(follow_all(client, dict, poll_seconds=0.01), 5)

    opened = [item.payload.positions for item in items if isinstance(item, StreamOpen)]
    assert items[1] == Polling(0.01)
    assert opened == [{TEA: "evt_1"}, {TEA: "evt_2"}, {TEA: "evt_2"}]
    polls = [request for request in server.requests if request.path == "/api/conversations"]
    assert len(polls) == 13
