"""What is known of OpenAI-compatible servers, each as a script that one of them plays."""

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
from rustygpt_server.assistant.provider import ChatMessage, CompletionChunk, Prompt, ProviderError
from rustygpt_server.clock import TimeLimits
from rustygpt_shared.models.messages import Usage
from rustygpt_shared.settings import Provider

PROMPT = Prompt("m", [ChatMessage("user", "hi")], {"temperature": 0})


async def _ask(served: FakeModelServer, idle: float = 5) -> list[CompletionChunk]:
    settings = Provider(kind="openai", base_url=served.url, api_key="k")
    provider = OpenAIProvider(settings, idle, TimeLimits())
    try:
        return [piece async for piece in provider.stream(PROMPT)]
    finally:
        await provider.close()


async def _text(*parts: bytes | float, **more: str) -> str:
    async with fake_model_server(ScriptedAnswer(list(parts), **more)) as served:  # type: ignore[arg-type]
        return "".join(piece.content for piece in await _ask(served))


async def _fails(
    *parts: bytes, status: int = 200, kind: str = "text/event-stream"
) -> ProviderError:
    async with fake_model_server(
        ScriptedAnswer(list(parts), status=status, content_type=kind)
    ) as served:
        with pytest.raises(ProviderError) as caught:
            await _ask(served)
    return caught.value


async def test_the_request_has_what_servers_want() -> None:
    """Model, messages, parameters, usage and the key go out, in OpenAI's shape."""
    async with fake_model_server(answer("a")) as served:
        await _ask(served)

    asked = served.requests[0]
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == "Bearer k"
    assert asked.body == {
        "temperature": 0,
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_comments_and_empty_events_are_passed_over() -> None:
    """llama.cpp sends comments while it thinks."""
    assert await _text(b": ping\n\n", chunk("a"), b":\n\n\n\n", chunk("b"), finished()) == "ab"


async def test_bytes_may_be_cut_anywhere() -> None:
    """A character, a line and a frame may come in pieces."""
    data = chunk("grüße 🦀") + finished()
    pieces = [data[at : at + 3] for at in range(0, len(data), 3)]

    assert await _text(*pieces) == "grüße 🦀"


async def test_line_ends_and_spaces_vary() -> None:
    """CRLF and a missing space after `data:` are fine."""
    data = (chunk("a") + finished()).replace(b"\n", b"\r\n").replace(b"data: ", b"data:")

    assert await _text(data) == "a"


async def test_null_and_missing_fields_are_no_text() -> None:
    """Role chunks have null content; some chunks have no choices at all."""
    odd = b'data: {"choices":[{"delta":{"role":"assistant","content":null}}]}\n\n'
    empty = b'data: {"choices":[]}\n\ndata: {}\n\ndata: {"choices":null}\n\n'

    assert await _text(odd, empty, chunk("a"), finished()) == "a"


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
async def test_reasoning_is_kept_apart(name: str) -> None:
    """Both names of reasoning are read, and never mixed into the text."""
    thought = json.dumps({"choices": [{"delta": {name: "hm"}}]})
    script = ScriptedAnswer([f"data: {thought}\n\n".encode(), chunk("a"), finished()])
    async with fake_model_server(script) as served:
        pieces = await _ask(served)

    assert [(p.content, p.reasoning) for p in pieces[:2]] == [("", "hm"), ("a", "")]


@pytest.mark.parametrize(
    "frame",
    [
        b'data: {"error":{"message":"no luck","code":"bad"}}\n\n',
        b'data: {"error":"no luck"}\n\ndata: [DONE]\n\n',
        b'error: {"code":500,"message":"no luck"}\n\n',
        b'event: error\ndata: {"error":{"message":"no luck"}}\n\n',
    ],
)
async def test_errors_in_mid_stream_are_told(frame: bytes) -> None:
    """Whatever the shape, an error after some text is an error."""
    assert "no luck" in (await _fails(chunk("a"), frame)).detail


async def test_a_stream_that_breaks_off_is_no_answer() -> None:
    """An end without a finish reason and without [DONE] is an interruption."""
    assert (await _fails(chunk("a"))).code == "interrupted"


async def test_a_finish_reason_is_end_enough() -> None:
    """[DONE] may be missing."""
    assert await _text(chunk("a"), chunk(None, finish_reason="length")) == "a"


async def test_an_empty_answer_is_an_error() -> None:
    """A finish without text hints at the context."""
    assert (await _fails(finished())).code == "empty_response"


async def test_usage_is_read_wherever_it_stands() -> None:
    """The last usage counts; it may come in a chunk without choices, or within a choice."""
    usage = {"prompt_tokens": 3, "completion_tokens": 4}
    late = f"data: {json.dumps({'choices': [], 'usage': usage})}\n\n".encode()
    within = chunk("b", usage=usage)
    for frames in ([chunk("a"), late, finished()], [within, finished()]):
        async with fake_model_server(ScriptedAnswer(list(frames))) as served:
            told = [p.usage for p in await _ask(served) if p.usage]
        assert told == [Usage(3, 4, 7)]


async def test_an_answer_that_is_not_streamed_is_taken_whole() -> None:
    """A server may ignore `stream`."""
    body = {"choices": [{"message": {"content": "all"}, "finish_reason": "stop"}]}

    assert await _text(json.dumps(body).encode(), content_type="application/json") == "all"


async def test_an_error_before_the_stream_is_told_in_its_words() -> None:
    """The server's own sentence reaches the person."""
    body = b'{"error":{"code":400,"type":"exceed_context_size_error","message":"too long"}}'
    error = await _fails(body, status=400, kind="application/json")

    assert error.detail == "The model's server says: too long"
    assert (await _fails(b"<html>", status=502, kind="text/html")).detail.endswith("HTTP 502")


async def test_a_server_that_dislikes_usage_is_asked_without() -> None:
    """A 400 about stream_options is answered by one request without them."""
    refusal = ScriptedAnswer(
        [b'{"error":{"message":"unknown field stream_options"}}'],
        status=400,
        content_type="application/json",
    )
    async with fake_model_server(refusal, answer("a")) as served:
        pieces = await _ask(served)

    assert pieces[0].content == "a"
    assert ["stream_options" in asked.body for asked in served.requests] == [True, False]


async def test_a_busy_server_is_asked_once_more() -> None:
    """503 with a short Retry-After is no failure yet."""
    busy = ScriptedAnswer(
        [b"{}"], status=503, content_type="application/json", headers={"Retry-After": "0"}
    )
    async with fake_model_server(busy, answer("a")) as served:
        assert (await _ask(served))[0].content == "a"


async def test_silence_is_a_timeout() -> None:
    """A server that says nothing for too long is given up."""
    async with fake_model_server(ScriptedAnswer([chunk("a"), asyncio.Event()])) as served:
        with pytest.raises(ProviderError) as caught:
            await _ask(served, idle=0.2)

    assert caught.value.code == "timeout"


async def test_nobody_there_is_told() -> None:
    """A refused connection is one sentence."""
    async with fake_model_server() as served:
        url = served.url
    gone = OpenAIProvider(Provider(kind="openai", base_url=url), 1, TimeLimits())
    with pytest.raises(ProviderError, match="cannot be reached"):
        await anext(aiter(gone.stream(PROMPT)))
    with pytest.raises(ProviderError, match="cannot be reached"):
        await gone.list_models()
    await gone.close()


async def test_closing_the_answer_hangs_up() -> None:
    """A stopped answer stops the model: the server sees the connection go."""
    async with fake_model_server(ScriptedAnswer([chunk("a"), asyncio.Event()])) as served:
        provider = OpenAIProvider(Provider(kind="openai", base_url=served.url), 5, TimeLimits())
        pieces: AsyncIterator[CompletionChunk] = provider.stream(PROMPT)
        assert (await anext(pieces)).content == "a"
        await pieces.aclose()  # type: ignore[attr-defined]
        async with asyncio.timeout(20):
            await served.hung_up.wait()
        await provider.close()


async def test_models_are_listed() -> None:
    """The ids of a model list."""
    async with fake_model_server(answer("a")) as served:
        provider = OpenAIProvider(Provider(kind="openai", base_url=served.url), 5, TimeLimits())
        assert await provider.list_models() == ["scripted"]
        await provider.close()


async def test_a_line_without_end_is_cut() -> None:
    """A frame beyond a mebibyte is refused."""
    assert "no end" in (await _fails(b"data: " + b"x" * (1 << 20) + b"y")).detail
