"""The usage of tokens, and the daily budget."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from msgspec import structs
from tests.support.fakes.fake_model_server import (
    FakeModelServer,
    ScriptedAnswer,
    answer,
    fake_model_server,
)
from tests.support.servers.in_process_server import (
    HttpUser,
    InProcessServer,
    StartServer,
    openai_settings,
)
from tests.support.wait import until

SENTENCE: Final = "You have used all 5 tokens of today; the budget is renewed at 00:00 UTC."
QUERIES: Final = ("since=x", "until=2026-13-01", "cursor=x", "cursor=W10", "limit=0")


async def _ask(user: HttpUser, conversation_id: str, body: Any = None, path: str = "") -> Any:
    """Ask, or post something else that starts an answer; return the answer when it has ended."""
    async with user.follow(conversation_id) as stream:
        await stream.next("stream.open")
        posted = await user.post(
            path or f"/api/threads/{conversation_id}/root",
            body or {"content": "Hello?"},
            expect=201,
        )
        await stream.next("message.done")
    return await user.get(f"/api/messages/{posted['answer_id']}")


@pytest.fixture
async def model() -> AsyncIterator[FakeModelServer]:
    """A model server that answers at once."""
    async with fake_model_server(answer("Hello there")) as server:
        yield server


async def test_an_answer_counts_for_who_asked(
    start_server: StartServer, model: FakeModelServer
) -> None:
    """Others see it only as administrators; without a budget there is none in the report."""
    async with start_server(llm=openai_settings(model.url)) as server:
        ann, bob = await server.person("ann"), await server.person("bob")
        ended = await _ask(ann, await ann.conversation(assistant_mode="always"))
        report = await ann.get("/api/usage")

        [entry] = report["usage"]
        assert (entry["username"], entry["model"]) == ("ann", "m")
        assert entry["total_tokens"] == ended["usage"]["total_tokens"]
        assert "budget" not in report
        assert (await bob.get("/api/usage"))["usage"] == []
        await bob.get("/api/usage?user=ann", expect=403)
        await bob.get("/api/usage?user=all", expect=403)
        admin = await server.person("admin")
        assert (await admin.get("/api/usage?user=all"))["usage"] == [entry]
        await admin.get("/api/usage?user=who", expect=404)


@pytest.mark.parametrize("query", QUERIES)
async def test_a_bad_query_is_400(server: InProcessServer, query: str) -> None:
    """A day, a cursor and a limit are checked."""
    ann = await server.person("ann")
    await ann.get(f"/api/usage?{query}", expect=400)


async def test_beyond_the_budget_an_answer_ends_at_once(
    start_server: StartServer, model: FakeModelServer
) -> None:
    """The question is stored; the answer says why there is none, also when it is regenerated."""
    llm = structs.replace(openai_settings(model.url), daily_token_budget=5)
    async with start_server(llm=llm) as server:
        ann, bob = await server.person("ann"), await server.person("bob")
        place = await ann.conversation(assistant_mode="always")
        first = await _ask(ann, place)
        used = first["usage"]["total_tokens"]
        assert (await ann.get("/api/usage"))["budget"] == {"daily_tokens": 5, "used_tokens": used}

        second = await _ask(ann, place)
        third = await _ask(ann, place, {"model": "m"}, f"/api/messages/{first['id']}/regenerate")
        for refused in (second, third):
            assert (refused["finish_reason"], refused["content"]) == ("error", "")
            assert refused["error"] == {"code": "RGP.BUDGET", "message": SENTENCE}
            assert "usage" not in refused
        elsewhere = await _ask(bob, await bob.conversation(assistant_mode="always"))
        assert elsewhere["finish_reason"] == "stop"

        server.clock.advance(43_200)
        tomorrow = await server.sign_in("ann")
        assert (await tomorrow.get("/api/usage"))["budget"]["used_tokens"] == 0
    assert len(model.requests) == 2


async def test_completions_that_wait_are_refused_once_the_budget_is_used_up(
    start_server: StartServer,
) -> None:
    """They were within the budget when they were sent."""
    first, second = asyncio.Event(), asyncio.Event()
    scripts = (ScriptedAnswer([may_end, *answer("Hello").parts]) for may_end in (first, second))
    async with fake_model_server(*scripts) as model:
        llm = structs.replace(
            openai_settings(model.url), daily_token_budget=1, max_concurrent_requests=1
        )
        async with start_server(llm=llm) as server:
            ann = await server.person("ann")
            program = server.token_user(await ann.create_token("v1"), ann)
            body = {"model": "m", "messages": [{"role": "user", "content": "Hello?"}]}
            sent = [program.client.post("/v1/chat/completions", json=body) for _ in range(3)]
            responses = asyncio.gather(*sent)
            queue = server.components.catalog.resolve("m").queue
            await until(lambda: queue.waiting == 2)
            first.set()
            while not (await ann.get("/api/usage"))["usage"]:
                await asyncio.sleep(0)
            second.set()  # which the model had got when the usage of the first one was recorded
            statuses = sorted(response.status_code for response in await responses)
            codes = [response.json().get("error", {}).get("code") for response in await responses]

    assert statuses == [200, 200, 429]
    assert codes.count("insufficient_quota") == 1
    assert len(model.requests) == 2


async def test_the_prompt_of_an_answer_that_is_stopped_before_its_text_counts(
    start_server: StartServer,
) -> None:
    """It was work for the model; without it, long prompts would be free."""
    script = ScriptedAnswer([asyncio.Event()])
    async with (
        fake_model_server(script) as model,
        start_server(llm=openai_settings(model.url)) as server,
    ):
        ann = await server.person("ann")
        place = await ann.conversation(assistant_mode="always")
        async with ann.follow(place) as stream:
            await stream.next("stream.open")
            asked = await ann.post(
                f"/api/threads/{place}/root", {"content": "Hello? " * 100}, expect=201
            )
            await until(lambda: len(model.requests) == 1)
            await ann.call("POST", f"/api/messages/{asked['answer_id']}/cancel", expect=202)
            await stream.next("message.done")
        entry = (await ann.get("/api/usage"))["usage"][0]

    assert entry["prompt_tokens"] > 100
    assert (entry["completion_tokens"], entry["answers"]) == (0, 1)
