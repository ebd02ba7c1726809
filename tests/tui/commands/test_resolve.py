"""Ids from what a person types."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse
from tests.support.sample_models import ROOT, TEA, TIME, conversation, message, thread

from rustygpt_shared.ids import new_id
from rustygpt_shared.models.conversations import ConversationList, ThreadList
from rustygpt_shared.models.messages import ThreadPage
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.session import Session
from rustygpt_tui.commands import resolve
from rustygpt_tui.errors import NotFound, UsageError

NEAR = int(TIME.timestamp() * 1000)
QUESTION, ANSWER = new_id(NEAR), new_id(NEAR)
OLD = UUID("01800000-0000-7000-8000-000000000001")


@pytest.fixture
async def client(server: FakeHttpServer) -> AsyncIterator[Client]:
    """A client of a server with one thread of two messages, and an old conversation."""
    old = conversation(OLD)
    long_ago = TIME - timedelta(days=90)
    fields = {n: getattr(old, n) for n in old.__struct_fields__}
    old = type(old)(**{**fields, "last_activity_at": long_ago, "created_at": long_ago})
    server.on(
        "GET", "/api/conversations", FakeResponse(body=ConversationList([conversation(), old]))
    )
    page = ThreadList([thread(QUESTION)], "evt_1")
    server.on("GET", f"/api/conversations/{TEA}/threads", FakeResponse(body=page))
    tree = ThreadPage(QUESTION, [message(QUESTION), message(ANSWER)], "evt_1")
    server.on("GET", f"/api/threads/{QUESTION}/tree", FakeResponse(body=tree))
    async with Client(Session(server.origin)) as made:
        yield made


async def test_the_beginning_of_an_id_finds_threads_and_messages(
    client: Client, server: FakeHttpServer
) -> None:
    """Only conversations that were alive at the id's time are looked through."""
    assert await resolve.root(client, str(QUESTION)[:23]) == QUESTION
    assert await resolve.message(client, ANSWER.hex[:20].upper()) == ANSWER
    assert not any(str(OLD) in asked.path for asked in server.requests)


async def test_a_beginning_that_fits_two_or_is_none_is_told(client: Client) -> None:
    """With the ids that fit, or with how much is needed."""
    with pytest.raises(UsageError, match="fits 2 messages"):
        await resolve.message(client, str(ANSWER)[:9])
    for text in ("abc", "not an id", "g" * 10):
        with pytest.raises(UsageError, match="first 8 digits"):
            await resolve.message(client, text)
    for text in ("00000000", "ffffffffffffffff", "01800000"):
        with pytest.raises(NotFound):
            await resolve.root(client, text)


async def test_a_whole_id_is_taken_as_it_is(client: Client, server: FakeHttpServer) -> None:
    """The server says whether there is such a thing."""
    assert await resolve.message(client, str(ROOT).upper()) == ROOT
    assert server.requests == []
