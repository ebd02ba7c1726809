"""Resolving what a person types to an id."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from msgspec import structs
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse
from tests.support.sample_models import ROOT, TEA, TIME, conversation, message, thread

from rustygpt_shared.ids import new_id
from rustygpt_shared.models.conversations import ConversationList, ThreadList
from rustygpt_shared.models.messages import ThreadPage
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.session import Session
from rustygpt_tui.commands import resolve
from rustygpt_tui.errors import NotFound, UsageError

MILLISECONDS = int(TIME.timestamp() * 1000)
QUESTION = new_id(MILLISECONDS)
ANSWER = new_id(MILLISECONDS)
OLD = UUID("01800000-0000-7000-8000-000000000001")


@pytest.fixture
async def client(server: FakeHttpServer) -> AsyncIterator[Client]:
    """A client of a server with one thread of two messages, and an old conversation."""
    long_ago = TIME - timedelta(days=90)
    old = structs.replace(conversation(OLD), last_activity_at=long_ago, created_at=long_ago)
    server.on(
        "GET", "/api/conversations", FakeResponse(body=ConversationList([conversation(), old]))
    )
    page = ThreadList([thread(QUESTION)], "evt_1")
    server.on("GET", f"/api/conversations/{TEA}/threads", FakeResponse(body=page))
    tree = ThreadPage(QUESTION, [message(QUESTION), message(ANSWER)], "evt_1")
    server.on("GET", f"/api/threads/{QUESTION}/tree", FakeResponse(body=tree))
    async with Client(Session(server.origin)) as running:
        yield running


async def test_the_beginning_of_an_id_finds_threads_and_messages(
    client: Client, server: FakeHttpServer
) -> None:
    """Only conversations that were active at the id's time are searched."""
    assert await resolve.root(client, str(QUESTION)[:23]) == QUESTION
    assert await resolve.message(client, ANSWER.hex[:20].upper()) == ANSWER
    assert not any(str(OLD) in request.path for request in server.requests)


async def test_an_ambiguous_or_invalid_beginning_is_an_error(client: Client) -> None:
    """The error lists the ids that fit, or says how many digits are needed."""
    with pytest.raises(UsageError, match="fits 2 messages"):
        await resolve.message(client, str(ANSWER)[:9])
    for text in ("abc", "not an id", "g" * 10):
        with pytest.raises(UsageError, match="first 8 digits"):
            await resolve.message(client, text)
    for text in ("00000000", "ffffffffffffffff", "01800000"):
        with pytest.raises(NotFound):
            await resolve.root(client, text)


async def test_a_full_id_needs_no_request(client: Client, server: FakeHttpServer) -> None:
    """Whether it exists is found out by the request that uses it."""
    assert await resolve.message(client, str(ROOT).upper()) == ROOT
    assert server.requests == []
