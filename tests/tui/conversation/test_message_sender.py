"""Sending messages in order and at most once."""

from uuid import UUID

import pytest
from tests.support.fakes.fake_http_server import FakeResponse, fake_http_server, problem

from rustygpt_shared.models.messages import PostedMessage
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.session import Session
from rustygpt_tui.conversation.message_sender import MessageSender, PendingMessage
from rustygpt_tui.errors import ClientError

CONVERSATION = UUID(int=1)
ROOT = UUID(int=2)


def _posted(number: int) -> FakeResponse:
    return FakeResponse(201, PostedMessage(UUID(int=number), ROOT, CONVERSATION, 2, ROOT))


async def test_the_second_of_two_quick_messages_replies_to_the_first() -> None:
    """This holds also before the stream has delivered the first one."""
    async with fake_http_server() as http, Client(Session(http.origin)) as client:
        http.on("POST", f"/api/messages/{ROOT}/reply", _posted(10))
        http.on("POST", f"/api/messages/{UUID(int=10)}/reply", _posted(11))
        sender = MessageSender(client)
        await sender.send(PendingMessage("one", CONVERSATION, ROOT, ROOT))
        await sender.send(PendingMessage("two", CONVERSATION, ROOT, ROOT))
        assert http.request_count("POST", f"/api/messages/{UUID(int=10)}/reply") == 1
        assert [pending.text for pending in sender.pending] == ["one", "two"]
        sender.confirm(UUID(int=10))
        assert [pending.text for pending in sender.pending] == ["two"]


async def test_a_failed_message_is_sent_again_with_the_same_key() -> None:
    """After the failure, no message is pending."""
    async with fake_http_server() as http, Client(Session(http.origin)) as client:
        unavailable = problem(503, "RGP.UNAVAILABLE", "The database is away.")
        http.on("POST", f"/api/messages/{ROOT}/reply", unavailable, unavailable, _posted(10))
        sender = MessageSender(client)
        message = PendingMessage("one", CONVERSATION, ROOT)
        with pytest.raises(ClientError):
            await sender.send(message)
        assert sender.pending == []
        while message.posted is None:
            try:
                await sender.send(message)
            except ClientError:
                continue
        keys = {request.headers["idempotency-key"] for request in http.requests}
        assert keys == {message.key}
