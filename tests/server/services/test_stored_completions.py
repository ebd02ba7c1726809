"""Chat completions that are stored in a conversation."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec import structs
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

URL = "/v1/chat/completions"


@asynccontextmanager
async def _serving(
    start_server: StartServer, *scripts: ScriptedAnswer, **llm: Any
) -> AsyncIterator[tuple[InProcessServer, HttpUser, HttpUser, FakeModelServer]]:
    """Run a server whose model is scripted; yield it with a user and the user's program."""
    async with (
        fake_model_server(*(scripts or (answer("Hel", "lo"),))) as model,
        start_server(llm=structs.replace(openai_settings(model.url), **llm)) as server,
    ):
        ann = await server.person("ann")
        yield server, ann, server.token_user(await ann.create_token("v1"), ann), model


def _body(conversation_id: str, parent: str | None = None, **fields: Any) -> dict[str, Any]:
    place = {"conversation_id": conversation_id, "parent_message_id": parent}
    return {
        "model": "m",
        "messages": [{"role": "user", "content": "Hello?"}],
        "metadata": {"rustygpt": place},
        **fields,
    }


@pytest.mark.parametrize("mode", ["always", "mention"])
async def test_question_and_answer_are_stored(start_server: StartServer, mode: str) -> None:
    """The response says where, so that the next question continues the thread."""
    async with _serving(start_server) as (_, ann, program, model):
        place = await ann.conversation(assistant_mode=mode)
        first = await program.post(URL, _body(place))
        stored = first["metadata"]["rustygpt"]
        assert first["choices"][0]["message"]["content"] == "Hello"
        assert first["choices"][0]["finish_reason"] == "stop"
        second = await program.call("POST", URL, _body(place, stored["answer_id"], stream=True))
        tree = (await ann.get(f"/api/threads/{stored['root_id']}/tree"))["messages"]

    frames = completion_frames(second.text)
    assert second.text.endswith("data: [DONE]\n\n")
    assert "".join(c["delta"].get("content", "") for f in frames for c in f["choices"]) == "Hello"
    question = "Hello?" if mode == "always" else "@assistant Hello?"
    assert [m["content"] for m in tree] == [question, "Hello", question, "Hello"]
    assert [m["id"] for m in tree[:2]] == [stored["message_id"], stored["answer_id"]]
    assert frames[0]["metadata"]["rustygpt"]["answer_id"] == tree[3]["id"]
    assert [m["content"] for m in model.requests[1].body["messages"]][-1] == question


async def test_the_answer_is_streamed_to_the_thread_too(start_server: StartServer) -> None:
    """What has no effect there is named."""
    async with _serving(start_server) as (_, ann, program, _):
        place = await ann.conversation(assistant_mode="always")
        messages = [{"role": "system", "content": "x"}, {"role": "user", "content": "Hello?"}]
        async with ann.follow(place) as stream:
            body = _body(place, messages=messages, temperature=1, stop="x")
            completion = await program.post(URL, body)
            delta = await stream.next("message.delta")
            done = await stream.next("message.done")

    answer_id = completion["metadata"]["rustygpt"]["answer_id"]
    assert delta["payload"]["message_id"] == done["payload"]["message_id"] == answer_id
    assert completion["usage"]["total_tokens"] == done["payload"]["usage"]["total_tokens"]
    assert [warning.split()[0] for warning in completion["warnings"]] == [
        "temperature", "stop", "Only",
    ]  # fmt: skip


async def test_a_client_that_leaves_does_not_stop_the_answer(start_server: StartServer) -> None:
    """Unlike a completion that is not stored."""
    held = asyncio.Event()
    script = ScriptedAnswer([chunk("Hel"), held, chunk("lo"), finished()])
    async with _serving(start_server, script) as (server, ann, program, model):
        place = await ann.conversation(assistant_mode="always")
        async with ann.follow(place) as stream:
            body = _body(place, stream=True)
            async with program.client.stream("POST", URL, json=body) as response:
                async for text in response.aiter_text():
                    if "Hel" in text:
                        break
            [running] = server.components.answer_manager._running.values()
            await until(lambda: not running.answer.followers)
            assert not model.disconnected.is_set()
            held.set()
            done = await stream.next("message.done")
        shown = await ann.get(f"/api/messages/{done['payload']['message_id']}")
        assert server.components.hub.statistics()["answers"] == 0

    assert (shown["content"], shown["finish_reason"]) == ("Hello", "stop")


async def test_an_answer_that_is_stopped_is_an_error(start_server: StartServer) -> None:
    """It is no regular end: the text is not complete."""
    held = asyncio.Event()
    script = ScriptedAnswer([chunk("Hel"), held, finished()])
    async with _serving(start_server, script) as (_, ann, program, _):
        place = await ann.conversation(assistant_mode="always")
        received = ""
        async with program.client.stream("POST", URL, json=_body(place, stream=True)) as response:
            async for text in response.aiter_text():
                received += text
                if "Hel" in text:
                    stored = completion_frames(received)[0]["metadata"]["rustygpt"]
                    await ann.post(f"/api/messages/{stored['answer_id']}/cancel", None, expect=202)
    assert completion_frames(received)[-1]["error"]["code"] == "stopped"


async def test_a_failure_may_not_be_repeated(start_server: StartServer) -> None:
    """The question is stored already: clients that retry would post it again."""
    script = ScriptedAnswer([b'{"error":{"message":"no","code":"x"}}'], status=400)
    async with _serving(start_server, script) as (_, ann, program, _):
        place = await ann.conversation(assistant_mode="always")
        refused = await program.call("POST", URL, _body(place), expect=502)
        threads = (await ann.get(f"/api/conversations/{place}/threads"))["threads"]

    assert refused.headers["x-should-retry"] == "false"
    assert refused.json()["error"]["code"] == "x"
    assert len(threads) == 1


async def test_the_place_is_checked_before_anything_is_stored(start_server: StartServer) -> None:
    """The conversation, the message in it, the caller's role, and the assistant's mode."""
    async with _serving(start_server) as (server, ann, program, model):
        bob = await server.person("bob")
        mine = await ann.conversation(assistant_mode="always")
        other = await ann.conversation(assistant_mode="always")
        off = await ann.conversation()
        elsewhere = await bob.conversation(assistant_mode="always")
        root = await ann.root(other)
        for body, status in (
            (_body(elsewhere), 404),
            (_body(mine, root), 404),
            (_body(off), 409),
            (_body(mine, model="none"), 404),
            (_body(mine, messages=[{"role": "assistant", "content": "x"}]), 400),
            (_body(mine, messages=[{"role": "user", "content": " "}]), 400),
        ):
            refused = await program.call("POST", URL, body, expect=status)
            assert refused.json().keys() == {"error"}
        for place in (mine, off):
            assert (await ann.get(f"/api/conversations/{place}/threads"))["threads"] == []
    assert len(model.requests) == 1


async def test_without_a_budget_nothing_is_stored(start_server: StartServer) -> None:
    """429 with OpenAI's code, also for a completion that would not be stored."""
    async with _serving(start_server, daily_token_budget=1) as (_, ann, program, _):
        place = await ann.conversation(assistant_mode="always")
        await program.post(URL, _body(place))
        for body in (_body(place), _body(place, metadata=None)):
            refused = await program.call("POST", URL, body, expect=429)
            assert refused.json()["error"]["code"] == "insufficient_quota"
            assert refused.json()["error"]["type"] == "insufficient_quota"
            assert refused.headers["x-should-retry"] == "false"
        threads = (await ann.get(f"/api/conversations/{place}/threads"))["threads"]

    assert len(threads) == 1


async def test_an_account_that_only_reads_has_no_completions(start_server: StartServer) -> None:
    """They use tokens, as questions in a conversation do."""
    async with _serving(start_server) as (server, _, _, model):
        eve = await server.person("eve", roles=["read_only"])
        refused = await eve.post(URL, {**_body("x"), "metadata": None}, expect=403)

    assert refused["error"]["type"] == "permission_error"
    assert model.requests == []


async def test_a_reader_who_is_removed_gets_no_more_text(start_server: StartServer) -> None:
    """The answer continues; for its reader it ends as it does on streams."""
    held = asyncio.Event()
    script = ScriptedAnswer([chunk("Hel"), held, chunk("lo"), finished()])
    async with _serving(start_server, script) as (server, ann, program, _):
        bob = await server.person("bob")
        place = await bob.group(ann, assistant_mode="always")
        received = ""
        async with program.client.stream("POST", URL, json=_body(place, stream=True)) as response:
            async for text in response.aiter_text():
                received += text
                if "Hel" in text and not held.is_set():
                    path = f"/api/conversations/{place}/participants/{ann.id}"
                    await bob.call("DELETE", path, expect=204)
                    server.clock.advance(2)
                    held.set()

    assert completion_frames(received)[-1]["error"]["code"] == "not_found"
    assert '"lo"' not in received
