"""Behaviours of OpenAI-compatible servers, each as a script of a fake model server."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from tests.support.fakes.fake_model_server import (
    FakeModelServer,
    ScriptedAnswer,
    answer,
    chunk,
    fake_model_server,
    finished,
)

from rustygpt_server.assistant.openai import OpenAIProvider
from rustygpt_server.assistant.provider import (
    ChatMessage,
    CompletionChunk,
    ListedModel,
    Prompt,
    ProviderError,
)
from rustygpt_server.runtime import Runtime
from rustygpt_shared.models.messages import Usage
from rustygpt_shared.settings import Provider

PROMPT = Prompt("m", [ChatMessage("user", "hi")], {"temperature": 0})


async def _stream(server: FakeModelServer, idle: float = 5) -> list[CompletionChunk]:
    """Return the chunks of an answer of a model server."""
    settings = Provider(kind="openai", base_url=server.url, api_key="k")
    provider = OpenAIProvider(settings, idle, Runtime())
    try:
        return [part async for part in provider.stream(PROMPT)]
    finally:
        await provider.close()


async def _text(*parts: bytes | float, **options: str) -> str:
    """Return the text of an answer whose response has these parts."""
    async with fake_model_server(ScriptedAnswer(list(parts), **options)) as server:  # type: ignore[arg-type]
        return "".join(part.content for part in await _stream(server))


async def _fails(
    *parts: bytes, status: int = 200, content_type: str = "text/event-stream"
) -> ProviderError:
    """Return the error of an answer whose response has these parts."""
    async with fake_model_server(
        ScriptedAnswer(list(parts), status=status, content_type=content_type)
    ) as server:
        with pytest.raises(ProviderError) as raised:
            await _stream(server)
    return raised.value


async def test_the_request_has_the_format_of_openai() -> None:
    """It has the model, messages, parameters, the request for usage, and the API key."""
    async with fake_model_server(answer("a")) as server:
        await _stream(server)

    request = server.requests[0]
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer k"
    assert request.body == {
        "temperature": 0,
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_comments_and_empty_events_are_ignored() -> None:
    """llama.cpp sends comments while it evaluates the prompt."""
    assert await _text(b": ping\n\n", chunk("a"), b":\n\n\n\n", chunk("b"), finished()) == "ab"


async def test_a_response_may_be_split_anywhere() -> None:
    """A character, a line and an event may arrive in several parts."""
    data = chunk("grüße 🦀") + finished()
    parts = [data[start : start + 3] for start in range(0, len(data), 3)]

    assert await _text(*parts) == "grüße 🦀"


async def test_line_ends_and_spaces_may_vary() -> None:
    """CRLF and a missing space after `data:` are accepted."""
    data = (chunk("a") + finished()).replace(b"\n", b"\r\n").replace(b"data: ", b"data:")

    assert await _text(data) == "a"


async def test_null_and_missing_fields_are_no_text() -> None:
    """Role chunks have null content, and some chunks have no choices."""
    odd = b'data: {"choices":[{"delta":{"role":"assistant","content":null}}]}\n\n'
    empty = b'data: {"choices":[]}\n\ndata: {}\n\ndata: {"choices":null}\n\n'

    assert await _text(odd, empty, chunk("a"), finished()) == "a"


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
async def test_reasoning_is_separate_from_the_text(name: str) -> None:
    """Both field names of reasoning are supported."""
    body = json.dumps({"choices": [{"delta": {name: "hm"}}]})
    script = ScriptedAnswer([f"data: {body}\n\n".encode(), chunk("a"), finished()])
    async with fake_model_server(script) as server:
        chunks = await _stream(server)

    assert [(part.content, part.reasoning) for part in chunks[:2]] == [("", "hm"), ("a", "")]


@pytest.mark.parametrize(
    "frame",
    [
        b'data: {"error":{"message":"no luck","code":"bad"}}\n\n',
        b'data: {"error":"no luck"}\n\ndata: [DONE]\n\n',
        b'error: {"code":500,"message":"no luck"}\n\n',
        b'event: error\ndata: {"error":{"message":"no luck"}}\n\n',
    ],
)
async def test_an_error_in_the_stream_is_raised(frame: bytes) -> None:
    """An error after some text is an error in each of these formats."""
    assert "no luck" in (await _fails(chunk("a"), frame)).detail


async def test_an_interrupted_stream_is_an_error() -> None:
    """A stream without a finish reason and without [DONE] was interrupted."""
    assert (await _fails(chunk("a"))).code == "interrupted"


async def test_a_finish_reason_ends_an_answer() -> None:
    """[DONE] may be missing."""
    assert await _text(chunk("a"), chunk(None, finish_reason="length")) == "a"


async def test_an_empty_answer_is_an_error() -> None:
    """A finish reason without any text often means that the context is too small."""
    assert (await _fails(finished())).code == "empty_response"


async def test_usage_is_read_from_any_chunk() -> None:
    """The last usage counts; it may be in a chunk without choices, or within a choice."""
    usage = {"prompt_tokens": 3, "completion_tokens": 4}
    last_chunk = f"data: {json.dumps({'choices': [], 'usage': usage})}\n\n".encode()
    chunk_with_usage = chunk("b", usage=usage)
    for frames in ([chunk("a"), last_chunk, finished()], [chunk_with_usage, finished()]):
        async with fake_model_server(ScriptedAnswer(list(frames))) as server:
            usages = [part.usage for part in await _stream(server) if part.usage]
        assert usages == [Usage(3, 4, 7)]


async def test_an_answer_without_streaming_is_accepted() -> None:
    """A server may ignore `stream`."""
    body = {"choices": [{"message": {"content": "all"}, "finish_reason": "stop"}]}

    assert await _text(json.dumps(body).encode(), content_type="application/json") == "all"


async def test_an_error_response_has_the_servers_message() -> None:
    """The message of the model server is shown to the user."""
    body = b'{"error":{"code":400,"type":"exceed_context_size_error","message":"too long"}}'
    error = await _fails(body, status=400, content_type="application/json")

    assert error.detail == "The model's server says: too long (HTTP 400)"
    assert (await _fails(b"<html>", status=502, content_type="text/html")).detail.endswith(
        "(HTTP 502)"
    )


async def test_a_server_without_usage_support_is_requested_again() -> None:
    """After a 400 about stream_options one request without them is sent."""
    rejection = ScriptedAnswer(
        [b'{"error":{"message":"unknown field stream_options"}}'],
        status=400,
        content_type="application/json",
    )
    async with fake_model_server(rejection, answer("a")) as server:
        chunks = await _stream(server)

    assert chunks[0].content == "a"
    assert ["stream_options" in request.body for request in server.requests] == [True, False]


_CASES = {
    "finish_error": (
        chunk("half an ans"),
        chunk("", finish_reason="error"),
        b"data: [DONE]\n\n",
    ),
    "refusal": (
        b'data: {"choices":[{"delta":{"refusal":"No."}}]}\n\n',
        finished(),
    ),
    "pretty error": (b'data: {\ndata:   "error": {"message": "bad key"}\ndata: }\n\n',),
    "raw error": (b'{"detail":"model not loaded"}',),
    "named error": (chunk("a"), b'event: error\ndata: {"message": "gone"}\n\n'),
}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("finish_error", "before it was complete (error)"),
        ("refusal", "The model refuses: No."),
        ("pretty error", "bad key"),
        ("raw error", "model not loaded"),
        ("named error", "gone"),
    ],
)
async def test_what_went_wrong_reaches_the_reader(name: str, words: str) -> None:
    """In the words of the server."""
    assert words in (await _fails(*_CASES[name])).detail


async def test_a_byte_order_mark_is_no_part_of_the_stream() -> None:
    """The first event after it is read."""
    assert await _text(b"\xef\xbb\xbf" + chunk("a"), chunk("b"), finished()) == "ab"


async def test_a_silent_server_is_a_timeout() -> None:
    """The request ends after the idle timeout."""
    async with fake_model_server(ScriptedAnswer([chunk("a"), asyncio.Event()])) as server:
        with pytest.raises(ProviderError) as raised:
            await _stream(server, idle=0.2)

    assert raised.value.code == "timeout"


async def test_an_unreachable_server_is_an_error() -> None:
    """A refused connection is reported in one sentence."""
    async with fake_model_server() as server:
        url = server.url
    provider = OpenAIProvider(Provider(kind="openai", base_url=url), 1, Runtime())
    with pytest.raises(ProviderError, match="cannot be reached"):
        await anext(aiter(provider.stream(PROMPT)))
    with pytest.raises(ProviderError, match="cannot be reached"):
        await provider.list_models()
    await provider.close()


async def test_closing_the_stream_closes_the_connection() -> None:
    """A cancelled answer stops the model, because its server sees the connection close."""
    async with fake_model_server(ScriptedAnswer([chunk("a"), asyncio.Event()])) as server:
        provider = OpenAIProvider(Provider(kind="openai", base_url=server.url), 5, Runtime())
        chunks: AsyncIterator[CompletionChunk] = provider.stream(PROMPT)
        assert (await anext(chunks)).content == "a"
        await chunks.aclose()  # type: ignore[attr-defined]
        async with asyncio.timeout(60):
            await server.disconnected.wait()
        await provider.close()


async def test_models_are_listed() -> None:
    """The list has the ids of the server's models."""
    async with fake_model_server(answer("a")) as server:
        provider = OpenAIProvider(Provider(kind="openai", base_url=server.url), 5, Runtime())
        assert await provider.list_models() == [ListedModel("scripted")]
        await provider.close()


async def test_a_line_without_end_is_rejected() -> None:
    """A line of more than 1 MiB is an error."""
    assert "no end" in (await _fails(b"data: " + b"x" * (1 << 20) + b"y")).detail
