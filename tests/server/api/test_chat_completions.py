"""OpenAI's API over HTTP: models, completions that are streamed or not, and errors."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from msgspec import structs
from tests.support.clients.raw_http import raw_connection, request
from tests.support.fakes.fake_model_server import (
    FakeModelServer,
    ScriptedAnswer,
    answer,
    chunk,
    fake_model_server,
    finished,
)
from tests.support.servers.in_process_server import (
    HttpUser,
    InProcessServer,
    StartServer,
    openai_settings,
)
from tests.support.streams.completion_frames import completion_frames
from tests.support.wait import until

from rustygpt_server.clock import TimeLimits
from rustygpt_shared.settings import Db, Llm, RateLimits, Settings, Sse

URL = "/v1/chat/completions"
HELLO = {"model": "m", "messages": [{"role": "user", "content": "Hello?"}]}
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}\n\n'


@asynccontextmanager
async def _serving(
    start_server: StartServer,
    *scripts: ScriptedAnswer,
    limits: TimeLimits | None = None,
    **llm: Any,
) -> AsyncIterator[tuple[InProcessServer, HttpUser, FakeModelServer]]:
    """Run a server whose model `m` is scripted; yield it with a user's program."""
    async with fake_model_server(*(scripts or (answer("Hel", "lo"),))) as model:
        settings = Settings(
            llm=structs.replace(openai_settings(model.url), **llm),
            db=Db(max_connections=4),
            sse=Sse(heartbeat_seconds=1),
        )
        async with start_server(settings=settings, limits=limits or TimeLimits()) as server:
            ann = await server.person("ann")
            yield server, server.token_user(await ann.create_token("v1", "read"), ann), model


def _text(frames: list[Any]) -> str:
    return "".join(c["delta"].get("content") or "" for f in frames for c in f["choices"])


def _part(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


async def test_models_are_listed_as_openai_does(start_server: StartServer) -> None:
    """At both addresses; an id may contain slashes, and an unknown one is not found."""
    async with _serving(start_server) as (server, program, _):
        for prefix in ("/v1", "/api/v1"):
            listed = await program.get(f"{prefix}/models")
            assert listed["object"] == "list"
            first = {"id": "m", "object": "model", "created": 0, "owned_by": "p"}
            assert listed["data"][0] == first
            assert await program.get(f"{prefix}/models/m") == first
            for name in ("org/none", "org%2Fnone", "%00"):
                refused = await program.get(f"{prefix}/models/{name}", expect=404)
                assert refused["error"]["code"] == "model_not_found"
        assert server.components.catalog.names()[0] == "m"


async def test_an_id_with_slashes_is_found(start_server: StartServer) -> None:
    """With the slash as it is, and encoded."""
    async with fake_model_server(answer("x")) as model:
        llm = openai_settings(model.url, "org/model:7b")
        async with start_server(llm=llm) as server:
            ann = await server.person("ann")
            for name in ("org/model:7b", "org%2Fmodel%3A7b"):
                assert (await ann.get(f"/v1/models/{name}"))["id"] == "org/model:7b"


async def test_a_completion_is_one_object(start_server: StartServer) -> None:
    """Parameters are passed on; usage is the model server's."""
    script = ScriptedAnswer([chunk("Hel"), chunk("lo"), USAGE, finished("length")])
    async with _serving(start_server, script) as (_, program, model):
        body = {
            **HELLO,
            "messages": [
                {"role": "developer", "content": "Be brief."},
                {"role": "user", "content": [_part("Hel"), _part("lo")]},
                {"role": "assistant", "content": "Hi."},
                {"role": "user", "content": "Again?"},
            ],
            "temperature": 0.5, "top_p": 1, "max_tokens": 9, "seed": 3, "presence_penalty": 1,
            "stop": "END", "tools": [], "n": 1, "logprobs": False,
        }  # fmt: skip
        completion = await program.post(URL, body)
        [sent] = model.requests

    assert completion["id"].startswith("chatcmpl-")
    assert completion["object"] == "chat.completion"
    assert completion["model"] == "m"
    assert completion["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello", "refusal": None},
            "logprobs": None,
            "finish_reason": "length",
        }
    ]
    assert completion["usage"] == {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
    assert "warnings" not in completion
    assert [m["role"] for m in sent.body["messages"]] == ["system", "user", "assistant", "user"]
    assert sent.body["messages"][1]["content"] == "Hello"
    names = ("temperature", "top_p", "max_tokens", "seed", "presence_penalty", "stop")
    assert [sent.body[name] for name in names] == [0.5, 1, 9, 3, 1, "END"]
    assert "n" not in sent.body


async def test_a_stream_has_openais_chunks(start_server: StartServer) -> None:
    """The role first, then text, the finish reason, the usage if requested, and [DONE]."""
    script = ScriptedAnswer([chunk("Hel"), chunk("lo"), USAGE, finished()])
    async with _serving(start_server, script) as (_, program, _):
        for options in (None, {"include_usage": True}):
            body = {**HELLO, "stream": True, "stream_options": options}
            response = await program.call("POST", URL, body)
            assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert response.text.endswith("data: [DONE]\n\n")
            frames = completion_frames(response.text)
            *chunks, last = frames[:-1] if options else frames
            assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
            assert {frame["object"] for frame in frames} == {"chat.completion.chunk"}
            assert len({frame["id"] for frame in frames}) == 1
            assert _text(frames) == "Hello"
            assert [c["choices"][0]["finish_reason"] for c in chunks] == [None] * len(chunks)
            assert last["choices"][0] == {
                "index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop",
            }  # fmt: skip
            if options:
                assert frames[-1]["choices"] == []
                assert frames[-1]["usage"]["total_tokens"] == 9
                assert all(frame["usage"] is None for frame in frames[:-1])
            else:
                assert all("usage" not in frame for frame in frames)


@pytest.mark.parametrize("stop", ["STOP", ["zzz", "OPxx", "STOP"]])
async def test_a_stop_sequence_ends_the_answer(start_server: StartServer, stop: object) -> None:
    """Also when the model's server ignores it and splits it over chunks; the model is stopped."""
    held = asyncio.Event()
    script = ScriptedAnswer([chunk("One S"), chunk("T"), chunk("OPtwo"), held, finished()])
    async with _serving(start_server, script) as (_, program, model):
        completion = await program.post(URL, {**HELLO, "stop": stop})
        assert completion["choices"][0]["message"]["content"] == "One "
        assert completion["choices"][0]["finish_reason"] == "stop"
        await asyncio.wait_for(model.disconnected.wait(), 1)


async def test_text_that_only_begins_like_a_stop_sequence_is_sent(
    start_server: StartServer,
) -> None:
    """At the latest with the end of the answer."""
    script = ScriptedAnswer([chunk("a ST"), chunk("ST"), finished()])
    async with _serving(start_server, script) as (_, program, _):
        response = await program.call("POST", URL, {**HELLO, "stop": "STOP", "stream": True})
        assert _text(completion_frames(response.text)) == "a STST"


async def test_unknown_fields_are_named(start_server: StartServer) -> None:
    """They are accepted, and the answer says that they had no effect."""
    async with _serving(start_server) as (_, program, _):
        body = {**HELLO, "top_k": 4, "user": "x", "metadata": {"a": "b"}}
        completion = await program.post(URL, body)
        streamed = await program.call("POST", URL, {**body, "stream": True})

    names = [warning.split()[0] for warning in completion["warnings"]]
    assert names == ["top_k", "user", "metadata.a"]
    first, *others = completion_frames(streamed.text)
    assert first["warnings"] == completion["warnings"]
    assert all("warnings" not in frame for frame in others)


_IMAGE = [{"type": "image_url", "image_url": {"url": "x"}}]
_REFUSED = [
    ({"n": 2}, "n"),
    ({"tools": [{"type": "function"}]}, "tools"),
    ({"functions": [{"name": "f"}]}, "functions"),
    ({"logprobs": True}, "logprobs"),
    ({"modalities": ["text", "audio"]}, "modalities"),
    ({"audio": {"voice": "x"}}, "audio"),
    ({"temperature": 3}, "temperature"),
    ({"stop": ["a"] * 5}, "stop"),
    ({"messages": []}, "messages"),
    ({"messages": [{"role": "user"}]}, "messages[0].content"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "user", "content": _IMAGE}]}, "messages[0].content[0]"),
    ({"messages": [{"role": "user", "content": "x"}] * 2_001}, "messages"),
    ({"model": None}, "model"),
]


@pytest.mark.parametrize(("change", "param"), _REFUSED, ids=[str(c)[:40] for c, _ in _REFUSED])
async def test_what_is_not_supported_is_refused(
    server: InProcessServer, change: dict[str, object], param: str
) -> None:
    """With 400, a sentence, and the name of the field."""
    ann = await server.person("ann")
    refused = await ann.post(URL, {**HELLO, "model": "demo", **change}, expect=400)

    assert refused["error"].keys() == {"message", "type", "param", "code"}
    assert refused["error"]["type"] == "invalid_request_error"
    assert refused["error"]["param"] == param
    assert refused["error"]["message"]


async def test_errors_of_every_layer_have_openais_shape(server: InProcessServer) -> None:
    """From routing, authentication, CSRF, parsing and the body's size."""
    ann = await server.person("ann")
    reader = server.token_user(await ann.create_token("read"), ann)
    program = server.token_user(await ann.create_token("v1"), ann)
    json_type = {"Content-Type": "application/json"}
    async with httpx.AsyncClient(base_url=server.url) as anonymous:
        responses = {
            401: await anonymous.get("/v1/models"),
            403: await reader.client.get("/v1/models"),
            404: await ann.client.post("/v1/embeddings", json={}),
            405: await ann.client.delete("/v1/models"),
            400: await program.client.post(f"/api{URL}", content=b"{", headers=json_type),
            415: await program.client.post(URL, content=b"{}"),
        }
    no_csrf = await ann.client.post(URL, json=HELLO)
    unknown = await program.client.post(URL, json={**HELLO, "model": "x"})
    for status, response in (*responses.items(), (403, no_csrf), (404, unknown)):
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == "application/json"
        assert response.json().keys() == {"error"}
        assert response.json()["error"].keys() == {"message", "type", "param", "code"}
    assert responses[401].json()["error"]["code"] == "invalid_api_key"
    assert "www-authenticate" in responses[401].headers
    assert "chat completions" in responses[404].json()["error"]["message"]
    assert unknown.json()["error"]["code"] == "model_not_found"
    assert unknown.json()["error"]["param"] == "model"


async def test_a_body_that_is_too_large_is_413(server: InProcessServer) -> None:
    """Before it is read, in OpenAI's shape."""
    ann = await server.person("ann")
    token = await ann.create_token("v1")
    headers = (f"Authorization: Bearer {token}", "Content-Length: 2097152")
    async with raw_connection(server.url) as connection:
        await connection.send(request("POST", URL, "Content-Type: application/json", *headers))
        response = await connection.response()
    assert response.status == 413
    assert json.loads(response.body)["error"]["type"] == "invalid_request_error"


async def test_too_many_requests_are_429(start_server: StartServer) -> None:
    """With Retry-After, and OpenAI's code."""
    settings = Settings(
        llm=Llm(default_model="demo"),
        db=Db(max_connections=4),
        rate_limits=RateLimits(default_rps=1, burst=3),
    )
    async with start_server(settings=settings) as server:
        ann = await server.person("ann")
        while (response := await ann.client.get("/v1/models")).status_code == 200:
            pass
        assert response.status_code == 429
        assert response.json()["error"]["code"] == "rate_limit_exceeded"
        assert "retry-after" in response.headers


@pytest.mark.parametrize(
    ("script", "status", "code"),
    [
        (ScriptedAnswer([b'{"error":{"message":"no","code":"x"}}'], status=500), 502, "x"),
        (
            ScriptedAnswer([b'{"error":{"code":"context_length_exceeded"}}'], status=400),
            400,
            "context_length_exceeded",
        ),
        (ScriptedAnswer([b'data: {"error":{"message":"no","code":"y"}}\n\n']), 502, "y"),
        (ScriptedAnswer([60.0]), 504, "timeout"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
async def test_a_failure_before_the_first_chunk_is_an_http_error(
    start_server: StartServer, script: ScriptedAnswer, status: int, code: str, *, stream: bool
) -> None:
    """Its code is the model server's; a stream was not started."""
    async with _serving(start_server, script, first_token_timeout_seconds=1) as (
        server,
        program,
        _,
    ):
        server.components.services.completions.silence_seconds = 30
        refused = await program.post(URL, {**HELLO, "stream": stream}, expect=status)
    assert refused["error"]["code"] == code


async def test_a_failure_in_a_stream_is_its_last_frame(start_server: StartServer) -> None:
    """Without [DONE]; not streamed it is an HTTP error."""
    script = ScriptedAnswer([chunk("Hel")])
    async with _serving(start_server, script) as (_, program, _):
        response = await program.call("POST", URL, {**HELLO, "stream": True})
        *_, last = completion_frames(response.text)
        assert last["error"]["code"] == "interrupted"
        assert "[DONE]" not in response.text
        refused = await program.post(URL, HELLO, expect=502)
        assert refused["error"]["type"] == "server_error"


async def test_comments_keep_a_silent_stream_open(start_server: StartServer) -> None:
    """Before the first chunk, and between two."""
    first, second = asyncio.Event(), asyncio.Event()
    script = ScriptedAnswer([first, chunk("Hel"), second, chunk("lo"), finished()])
    async with _serving(start_server, script) as (server, program, _):
        server.components.services.completions.silence_seconds = 0.05
        stream = program.client.stream("POST", URL, json={**HELLO, "stream": True})
        async with stream as response:
            received = ""
            async for part in response.aiter_text():
                received += part
                if received.count(": keep-alive\n\n") >= 2:
                    first.set()
                if "Hel" in received and received.endswith(": keep-alive\n\n"):
                    second.set()
    assert _text(completion_frames(received)) == "Hello"


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_stops_the_model(
    start_server: StartServer, *, stream: bool
) -> None:
    """Within a second; what was generated counts."""
    held = asyncio.Event()
    script = ScriptedAnswer([chunk("Hello there"), held, finished()])
    async with _serving(start_server, script) as (server, program, model):
        sending = asyncio.create_task(
            program.client.post(URL, json={**HELLO, "stream": stream}, timeout=30)
        )
        sample = server.components.context.runtime.metrics.registry.get_sample_value
        await until(lambda: bool(sample("llm_first_token_seconds_count", {"model": "m"})))
        sending.cancel()
        await asyncio.wait_for(model.disconnected.wait(), 1)
        await asyncio.wait([sending])
        assert await _answers(program) == 1


async def test_a_stream_ends_with_its_token(start_server: StartServer) -> None:
    """A revoked token gets no more text, and the model is stopped."""
    held = asyncio.Event()
    script = ScriptedAnswer([chunk("Hel"), held, chunk("lo"), chunk(" there"), asyncio.Event()])
    limits = TimeLimits(access_freshness=0)
    async with _serving(start_server, script, limits=limits) as (server, program, model):
        ann = await server.person("ann")
        received = ""
        async with program.client.stream("POST", URL, json={**HELLO, "stream": True}) as response:
            async for text in response.aiter_text():
                received += text
                if "Hel" in text and not held.is_set():
                    for token in (await ann.get("/api/auth/tokens"))["tokens"]:
                        await ann.call("DELETE", f"/api/auth/tokens/{token['id']}", expect=204)
                    held.set()
        await asyncio.wait_for(model.disconnected.wait(), 1)

    assert completion_frames(received)[-1]["error"]["code"] == "invalid_api_key"
    assert '"lo"' not in received


async def _answers(program: HttpUser) -> int:
    """Return how many answers the user's usage has, once it has one."""
    async with asyncio.timeout(5):
        while True:
            entries = (await program.get("/api/usage"))["usage"]
            if entries:
                return sum(entry["answers"] for entry in entries)
            await asyncio.sleep(0.01)


async def test_a_shutdown_ends_a_stream_with_an_error(start_server: StartServer) -> None:
    """At once, and without [DONE]; what was generated counts."""
    held = asyncio.Event()
    script = ScriptedAnswer([chunk("Hello there"), held, finished()])
    received = ""
    async with asyncio.timeout(30):
        async with _serving(start_server, script) as (server, program, _):
            stream = program.client.stream("POST", URL, json={**HELLO, "stream": True})
            response = await stream.__aenter__()
            texts = response.aiter_text()
            while "Hello" not in received:
                received += await anext(texts)
            stopping = asyncio.create_task(server.components.services.completions.stop())
            async for text in texts:
                received += text
            await stopping
            assert await _answers(program) == 1
            refused = await program.post(URL, HELLO, expect=503)
            await stream.__aexit__(None, None, None)
    assert completion_frames(received)[-1]["error"]["code"] == "shutdown"
    assert refused["error"]["code"] == "shutdown"


async def test_reasoning_is_apart_from_the_text(start_server: StartServer) -> None:
    """In the field that model servers use for it, and only where there is some."""
    thought = b'data: {"choices":[{"index":0,"delta":{"reasoning_content":"Hm."}}]}\n\n'
    script = ScriptedAnswer([thought, chunk("Hello"), finished()])
    async with _serving(start_server, script) as (_, program, _):
        completion = await program.post(URL, HELLO)
        streamed = await program.call("POST", URL, {**HELLO, "stream": True})

    message = completion["choices"][0]["message"]
    assert (message["reasoning"], message["content"]) == ("Hm.", "Hello")
    deltas = [c["delta"] for frame in completion_frames(streamed.text) for c in frame["choices"]]
    assert deltas[1:3] == [{"reasoning": "Hm."}, {"content": "Hello"}]
