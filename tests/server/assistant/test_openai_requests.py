"""Requests to model servers: where they go, when they are sent again, and how they end early."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from tests.support.fakes.fake_clock import FakeClock
from tests.support.fakes.fake_model_server import (
    FakeModelServer,
    ScriptedAnswer,
    answer,
    chunk,
    fake_model_server,
    finished,
)
from tests.support.wait import until

from rustygpt_server.assistant.openai import OpenAIProvider
from rustygpt_server.assistant.provider import ChatMessage, Prompt, ProviderError
from rustygpt_server.runtime import Runtime
from rustygpt_shared.settings import Provider

PROMPT = Prompt("m", [ChatMessage("user", "hi")])


class Client:
    """A provider with a fake clock."""

    def __init__(self, url: str) -> None:
        self.clock = FakeClock()
        self.received: list[str] = []
        settings = Provider(
            kind="openai", base_url=url, api_key="the-key", headers={"X-Own": "the-header"}
        )
        self.provider = OpenAIProvider(settings, 5, Runtime(self.clock))

    async def text(self) -> str:
        """Return the text of an answer; retries wait for no time."""
        asking = asyncio.ensure_future(self._text())
        while not asking.done():
            self.clock.advance(10)
            await asyncio.sleep(0.001)
        return await asking

    async def _text(self) -> str:
        async for part in self.provider.stream(PROMPT):
            self.received.append(part.content)
        return "".join(self.received)


@asynccontextmanager
async def client_of(url: str) -> AsyncIterator[Client]:
    """Return a client of a model server."""
    client = Client(url)
    try:
        yield client
    finally:
        await client.provider.close()


def _refusal(status: int, body: bytes = b'{"error": "busy"}', **headers: str) -> ScriptedAnswer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ScriptedAnswer([body], status, "application/json", named)


async def _count(server: FakeModelServer) -> int:
    """Return how many requests an answer takes, whether it succeeds or not."""
    async with client_of(server.url) as client:
        try:
            await client.text()
        except ProviderError as error:
            assert "busy" in error.detail  # noqa: PT017 - the number of requests is what matters
    return len(server.requests)


@pytest.mark.parametrize(
    ("refusal", "requests"),
    [
        (_refusal(503), 3),
        (_refusal(429), 3),
        (_refusal(429, Retry_After="0.01"), 3),
        (_refusal(429, Retry_After="soon"), 3),
        (
            _refusal(
                503,
                Retry_After="Thu, 01 Jan 2026 11:59:59 GMT",
                Date="Thu, 01 Jan 2026 12:00:00 GMT",
            ),
            3,
        ),
        (_refusal(429, Retry_After="99"), 1),
        (_refusal(500), 1),
        (_refusal(401), 1),
    ],
)
async def test_a_busy_server_is_asked_twice_more(refusal: ScriptedAnswer, requests: int) -> None:
    """A date is compared with the server's own; a long wait is the user's decision."""
    async with fake_model_server(refusal) as server:
        assert await _count(server) == requests


async def test_the_first_answer_ends_the_retries() -> None:
    """After one refusal, and after two."""
    for rejections in (1, 2):
        scripts = [*[_refusal(503)] * rejections, answer("a")]
        async with fake_model_server(*scripts) as server, client_of(server.url) as client:
            assert await client.text() == "a"
        assert len(server.requests) == rejections + 1


async def test_a_server_that_accepts_no_connection_is_tried_again() -> None:
    """It may be starting."""
    async with fake_model_server() as server:
        port = httpx.URL(server.url).port or 0
    async with client_of(server.url) as client:
        asking = asyncio.ensure_future(client._text())
        await until(lambda: client.clock.is_awaited(0.5))
        async with fake_model_server(answer("a"), port=port):
            client.clock.advance(0.5)
            assert await asking == "a"


async def test_nothing_is_sent_again_after_the_first_text() -> None:
    """An error in the stream, a broken connection, or silence: the model has worked already."""
    for parts in ([chunk("a"), b'data: {"error": "busy"}\n\n'], [chunk("a")], [b": ping\n\n"]):
        script = ScriptedAnswer(list(parts))
        async with fake_model_server(script) as server, client_of(server.url) as client:
            with pytest.raises(ProviderError):
                await client.text()
        assert len(server.requests) == 1


async def test_a_server_without_usage_support_is_remembered() -> None:
    """After a 400 about stream_options there are none; two requests at once may both see it."""
    refusal = _refusal(400, b'{"error":{"message":"unknown field stream_options"}}')
    scripts = (refusal, refusal, answer("a"))
    async with fake_model_server(*scripts) as server, client_of(server.url) as client:
        await asyncio.gather(client.text(), client.text())
        assert await client.text() == "aaa"

    sent = ["stream_options" in request.body for request in server.requests]
    assert sent == [True, True, False, False, False]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    """The key and the conversation go to their own server only; the error names neither."""
    async with fake_model_server(answer("a")) as other:
        target = f"{other.url}/chat/completions?key=the-key"
        redirect = _refusal(status, Location=target)
        async with fake_model_server(redirect) as server, client_of(server.url) as client:
            with pytest.raises(ProviderError, match="redirects to another address") as raised:
                await client.text()

    assert (raised.value.code, "the-key" in raised.value.detail) == ("redirect", False)
    assert (len(server.requests), len(other.requests)) == (1, 0)
    assert server.requests[0].headers["authorization"] == "Bearer the-key"
    assert server.requests[0].headers["x-own"] == "the-header"


@pytest.mark.parametrize(
    ("script", "chunks"),
    [
        (lambda: ScriptedAnswer([finished()], head_after=asyncio.Event()), 0),
        (lambda: ScriptedAnswer([asyncio.Event()]), 0),
        (lambda: ScriptedAnswer([p for _ in range(1_000) for p in (b": ping\n\n", 0.01)]), 0),
        (lambda: ScriptedAnswer([chunk("a"), asyncio.Event()]), 1),
        (lambda: ScriptedAnswer([p for _ in range(1_000) for p in (chunk("a"), 0.01)]), 3),
    ],
    ids=["before the head", "before the text", "between comments", "within the text", "writing"],
)
async def test_a_cancelled_answer_closes_the_connection(
    script: Callable[[], ScriptedAnswer], chunks: int
) -> None:
    """The model's server sees it within a second, in every phase."""
    async with fake_model_server(script()) as server, client_of(server.url) as client:
        asking = asyncio.ensure_future(client._text())
        await until(lambda: len(server.requests) == 1 and len(client.received) >= chunks)
        assert not server.disconnected.is_set()
        asking.cancel()
        async with asyncio.timeout(1):
            await server.disconnected.wait()


async def test_a_retry_that_is_cancelled_is_not_sent() -> None:
    """While it waits."""
    scripts = (_refusal(503), answer("a"))
    async with fake_model_server(*scripts) as server, client_of(server.url) as client:
        asking = asyncio.ensure_future(client._text())
        await until(lambda: client.clock.is_awaited(0.5))
        asking.cancel()
        await asyncio.wait([asking])
        client.clock.advance(10)
        await client.provider.list_models()

    assert asking.cancelled()
    assert len(server.requests) == 1


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip", "br", "zstd"])
async def test_a_compressed_response_is_refused(encoding: str) -> None:
    """Two kilobytes may become gigabytes; the request has asked for none."""
    body = gzip.compress(b"\n" * 1_000_000)
    script = ScriptedAnswer([body], headers={"Content-Encoding": encoding})
    async with fake_model_server(script) as server, client_of(server.url) as client:
        with pytest.raises(ProviderError, match="compressed its response"):
            await client.text()

    assert server.requests[0].headers["accept-encoding"] == "identity"


async def test_other_tasks_run_while_a_body_arrives_in_tiny_parts() -> None:
    """One packet may have thousands of them."""
    parts: list[bytes | float | asyncio.Event] = [b"1\r\nx\r\n" * 10_000] * 4
    script = ScriptedAnswer([*parts, b"0\r\n\r\n"], headers={"Transfer-Encoding": "chunked"})
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with fake_model_server(script) as server, client_of(server.url) as client:
        counting = asyncio.ensure_future(count())
        with pytest.raises(ProviderError):
            await client.text()
        counting.cancel()
    assert turns > 400
