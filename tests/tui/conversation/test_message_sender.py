"""What was written and is on its way."""

from uuid import UUID

import pytest
from tests.support.fakes.fake_http_server import FakeResponse, fake_http_server, problem

from rustygpt_shared.models.messages import PostedMessage
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.session import Session
from rustygpt_tui.conversation.message_sender import MessageSender, PendingMessage
from rustygpt_tui.errors import ClientError

ROOM, ROOT = UUID(int=1), UUID(int=2)


def _posted(number: int) -> FakeResponse:
    return FakeResponse(201, PostedMessage(UUID(int=number), ROOT, ROOM, 2, ROOT))


async def test_a_second_message_answers_the_first_before_it_came_back() -> None:
    """Two quick messages stand one under the other, not side by side."""
    async with fake_http_server() as wire, Client(Session(wire.origin)) as client:
        wire.on("POST", f"/api/messages/{ROOT}/reply", _posted(10))
        wire.on("POST", f"/api/messages/{UUID(int=10)}/reply", _posted(11))
        outbox = MessageSender(client)
        await outbox.send(PendingMessage("one", ROOM, ROOT, ROOT))
        await outbox.send(PendingMessage("two", ROOM, ROOT, ROOT))
        assert wire.request_count("POST", f"/api/messages/{UUID(int=10)}/reply") == 1
        assert [attempt.text for attempt in outbox.pending] == ["one", "two"]
        outbox.confirm(UUID(int=10))
        assert [attempt.text for attempt in outbox.pending] == ["two"]


async def test_a_failed_attempt_is_tried_again_as_the_same() -> None:
    """Key and place stay; nothing waits after the failure."""
    async with fake_http_server() as wire, Client(Session(wire.origin)) as client:
        away = problem(503, "RGP.UNAVAILABLE", "The database is away.")
        wire.on("POST", f"/api/messages/{ROOT}/reply", away, away, _posted(10))
        outbox, attempt = MessageSender(client), PendingMessage("one", ROOM, ROOT)
        with pytest.raises(ClientError):
            await outbox.send(attempt)
        assert outbox.pending == []
        while attempt.posted is None:
            try:
                await outbox.send(attempt)
            except ClientError:
                continue
        keys = {asked.headers["idempotency-key"] for asked in wire.requests}
        assert keys == {attempt.key}
