"""Sending messages in order and at most once."""

import asyncio
from uuid import UUID

import pytest
from tests.support.fakes.fake_http_server import FakeResponse, fake_http_server, problem

from rustygpt_shared.models.messages import PostedMessage
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.session import Session
from rustygpt_tui.conversation.message_sender import (
    HeldBack,
    MessageSender,
    PendingMessage,
    Target,
)
from rustygpt_tui.errors import ClientError

CONVERSATION = UUID(int=1)
ROOT = UUID(int=2)


def _posted(number: int) -> FakeResponse:
    return FakeResponse(201, PostedMessage(UUID(int=number), ROOT, CONVERSATION, 2, ROOT))


async def test_a_follow_up_replies_to_the_answer_of_the_message_before() -> None:
    """The response to the post names the answer; without one, the message itself is replied to."""
    async with fake_http_server() as http, Client(Session(http.origin)) as client:
        posted = PostedMessage(UUID(int=10), ROOT, CONVERSATION, 2, ROOT, UUID(int=20))
        http.on("POST", f"/api/messages/{ROOT}/reply", FakeResponse(201, posted))
        http.on("POST", f"/api/messages/{UUID(int=20)}/reply", _posted(11))
        http.on("POST", f"/api/messages/{UUID(int=11)}/reply", _posted(12))
        sender = MessageSender(client)
        one = PendingMessage("one", CONVERSATION, ROOT, Target(ROOT))
        two = PendingMessage("two", CONVERSATION, ROOT, Target(after=one))
        three = PendingMessage("three", CONVERSATION, ROOT, Target(after=two))
        for message in (one, two, three):
            sender.add(message)
        await asyncio.gather(*(sender.send(message) for message in (one, two, three)))
        assert http.request_count("POST", f"/api/messages/{UUID(int=20)}/reply") == 1
        assert http.request_count("POST", f"/api/messages/{UUID(int=11)}/reply") == 1
        sender.confirm(UUID(int=10))
        assert [pending.text for pending in sender.pending] == ["two", "three"]


async def test_a_reply_to_a_message_that_was_not_sent_is_held_back() -> None:
    """It is sent when that message is."""
    async with fake_http_server() as http, Client(Session(http.origin)) as client:
        http.on(
            "POST",
            f"/api/messages/{ROOT}/reply",
            problem(422, "RGP.VALIDATION", "No."),
            _posted(10),
        )
        http.on("POST", f"/api/messages/{UUID(int=10)}/reply", _posted(11))
        sender = MessageSender(client)
        one = PendingMessage("one", CONVERSATION, ROOT, Target(ROOT))
        two = PendingMessage("two", CONVERSATION, ROOT, Target(after=one))
        sender.add(one)
        sender.add(two)
        with pytest.raises(ClientError):
            await sender.send(one)
        with pytest.raises(HeldBack):
            await sender.send(two)
        assert sender.pending == [two]
        await sender.send(one)
        assert (await sender.send(two)).message_id == UUID(int=11)


async def test_a_failed_message_is_sent_again_with_the_same_key() -> None:
    """After the failure, no message is pending."""
    async with fake_http_server() as http, Client(Session(http.origin)) as client:
        unavailable = problem(503, "RGP.UNAVAILABLE", "The database is away.")
        http.on("POST", f"/api/messages/{ROOT}/reply", unavailable, unavailable, _posted(10))
        sender = MessageSender(client)
        message = PendingMessage("one", CONVERSATION, ROOT, Target(ROOT))
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


async def test_messages_beyond_the_limit_are_sent_later_in_order() -> None:
    """None is lost, however quickly they were written; each has its own key."""
    async with fake_http_server() as http, Client(Session(http.origin)) as client:
        limited = problem(429, "RGP.RATE_LIMITED", "Too many messages.", retry_after="1")
        http.on(
            "POST",
            f"/api/messages/{ROOT}/reply",
            *(_posted(10), limited, _posted(11), limited, _posted(12)),
        )
        sender = MessageSender(client)
        messages = [PendingMessage(str(n), CONVERSATION, ROOT, Target(ROOT)) for n in range(3)]
        for message in messages:
            sender.add(message)
        sent = await asyncio.gather(*(sender.send(message) for message in messages))
        assert [posted.message_id for posted in sent] == [UUID(int=n) for n in (10, 11, 12)]
        keys = [request.headers["idempotency-key"] for request in http.requests]
        expected = [messages[n].key for n in (0, 1, 1, 2, 2)]
        assert keys == expected
