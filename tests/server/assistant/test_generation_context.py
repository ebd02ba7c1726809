"""A model whose context is smaller than assumed: the prompt is made shorter, once."""

import json
from typing import Any

import pytest
from tests.support.components.assistant_harness import (
    AssistantHarness,
    ask_question,
    openai_provider,
)
from tests.support.database.database_builder import DatabaseBuilder
from tests.support.fakes.fake_model_server import (
    FakeModelServer,
    ScriptedAnswer,
    answer,
    chunk,
    fake_model_server,
)

from rustygpt_server.assistant.answer import AnswerInProgress
from rustygpt_server.db.answers import AnswerResult

_EARLIER = [f"{number} " + "x" * 396 for number in range(20)]
"""Messages of about a hundred tokens each."""


def _exceeded(**fields: Any) -> ScriptedAnswer:
    """Return the response of a server whose context was exceeded."""
    error = {"type": "exceed_context_size_error", "message": "too long", **fields}
    return ScriptedAnswer([json.dumps({"error": error}).encode()], 400, "application/json")


async def _ask(assistant: AssistantHarness, builder: DatabaseBuilder) -> AnswerResult:
    _, target = await ask_question(builder, earlier=_EARLIER)
    return await assistant.generator.generate(AnswerInProgress(target, assistant.hub, 0))


def _sizes(model: FakeModelServer) -> list[int]:
    """Return how many characters the prompts had, in hundreds."""
    return [
        round(sum(len(message["content"]) for message in request.body["messages"]) / 100)
        for request in model.requests
    ]


@pytest.mark.parametrize(
    ("fields", "sizes"),
    [
        ({"n_ctx": 1_000}, [56, 28, 28]),
        ({}, [56, 28, 28]),
        ({"n_ctx": 2_000}, [56, 28, 56, 28]),
    ],
    ids=["the size is stated", "no size is stated", "the size is the assumed one"],
)
async def test_a_smaller_context_is_remembered(
    builder: DatabaseBuilder, fields: dict[str, int], sizes: list[int]
) -> None:
    """The prompt is sent again within the context; the next one begins with it.

    A size that was assumed already means that this prompt was estimated too low.
    """
    refuses_next = [_exceeded(**fields)] if len(sizes) == 4 else []
    scripts = [_exceeded(**fields), answer("a"), *refuses_next, answer("b")]
    async with fake_model_server(*scripts) as model:
        assistant = AssistantHarness(builder.db, openai_provider(model.url), context_tokens=2_000)
        results = [await _ask(assistant, builder) for _ in range(2)]
        await assistant.catalog.close()

    assert [result.content for result in results] == ["a", "b"]
    assert results[0].omitted_messages == results[1].omitted_messages
    assert _sizes(model) == sizes


async def test_a_prompt_is_made_shorter_once(builder: DatabaseBuilder) -> None:
    """The second error ends the answer, with the words of the server."""
    async with fake_model_server(_exceeded(n_ctx=1_000)) as model:
        assistant = AssistantHarness(builder.db, openai_provider(model.url), context_tokens=2_000)
        result = await _ask(assistant, builder)
        await assistant.catalog.close()

    assert (result.finish_reason, result.error_code) == ("error", "exceed_context_size_error")
    assert result.error_message == "The model's server says: too long (HTTP 400)"
    assert len(model.requests) == 2


async def test_an_error_within_the_stream_counts_before_the_first_text_only(
    builder: DatabaseBuilder,
) -> None:
    """After it the text is kept, and nothing is sent again."""
    frame = b'data: {"error": {"code": "context_length_exceeded", "message": "full"}}\n\n'
    early, late = ScriptedAnswer([frame]), ScriptedAnswer([chunk("half"), frame])
    async with fake_model_server(early, answer("a"), late) as model:
        assistant = AssistantHarness(builder.db, openai_provider(model.url), context_tokens=2_000)
        results = [await _ask(assistant, builder) for _ in range(2)]
        await assistant.catalog.close()

    assert [(r.content, r.finish_reason) for r in results] == [("a", "stop"), ("half", "error")]
    assert len(model.requests) == 3
