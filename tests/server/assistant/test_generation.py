"""The generation of one answer, with a scripted model and a real database."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from tests.support.components.assistant_harness import (
    AssistantHarness,
    ask_question,
    openai_provider,
)
from tests.support.database.database_builder import DatabaseBuilder
from tests.support.fakes.fake_model_server import (
    ScriptedAnswer,
    answer,
    chunk,
    fake_model_server,
    finished,
)
from tests.support.wait import until

from rustygpt_server.assistant.answer import AnswerInProgress
from rustygpt_server.assistant.provider import CompletionChunk, ListedModel, Prompt
from rustygpt_server.clock import SystemClock, TimeLimits
from rustygpt_server.db import answers, messages, usage
from rustygpt_server.db.answers import AnswerResult
from rustygpt_server.errors import Conflict
from rustygpt_shared.models.messages import Usage
from rustygpt_shared.settings import Llm
from rustygpt_shared.text_rules import MESSAGE_MAX


async def _generate(
    builder: DatabaseBuilder,
    *scripts: ScriptedAnswer,
    llm: Llm | None = None,
    limits: TimeLimits | None = None,
) -> tuple[AnswerResult, AnswerInProgress, AssistantHarness]:
    """Return the result of an answer that is generated from scripted responses."""
    async with fake_model_server(*scripts) as model:
        assistant = AssistantHarness(builder.db, openai_provider(model.url), llm, limits)
        _, target = await ask_question(builder)
        answer_in_progress = AnswerInProgress(target, assistant.hub, 0)
        result = await assistant.generator.generate(answer_in_progress)
        await assistant.catalog.close()
    return result, answer_in_progress, assistant


async def test_a_complete_answer_has_the_models_finish_reason(builder: DatabaseBuilder) -> None:
    """Usage is estimated when the model server sends none, and tokens are counted."""
    result, _, assistant = await _generate(builder, answer("Hel", "lo"))

    assert (result.content, result.finish_reason, result.error_code) == ("Hello", "stop", None)
    assert result.usage is not None
    assert result.usage.estimated is True
    sample = assistant.metrics.registry.get_sample_value
    assert sample("llm_tokens_total", {"model": "demo", "kind": "completion"}) == 2
    assert sample("llm_first_token_seconds_count", {"model": "demo"}) == 1


async def test_the_prompt_fits_into_the_context(builder: DatabaseBuilder) -> None:
    """The newest messages are sent, and the answer says how many earlier ones did not fit."""
    async with fake_model_server(answer("fine")) as model:
        assistant = AssistantHarness(builder.db, openai_provider(model.url), context_tokens=100)
        _, target = await ask_question(builder, earlier=["x" * 200, "y" * 40])
        answer_in_progress = AnswerInProgress(target, assistant.hub, 0)
        result = await assistant.generator.generate(answer_in_progress)
        await assistant.catalog.close()

    assert result.omitted_messages == 1
    sent = "".join(message["content"] for message in model.requests[0].body["messages"])
    assert "y" * 40 in sent
    assert "x" not in sent


async def test_a_model_that_counts_more_tokens_gets_shorter_prompts(
    builder: DatabaseBuilder,
) -> None:
    """The usage that it reports is compared with the estimate."""
    usage = {"prompt_tokens": 1_200, "completion_tokens": 1, "total_tokens": 1_201}
    reported = f"data: {json.dumps({'choices': [], 'usage': usage})}\n\n".encode()
    script = ScriptedAnswer([chunk("a"), reported, finished()])
    async with fake_model_server(script) as model:
        assistant = AssistantHarness(builder.db, openai_provider(model.url), context_tokens=1_000)
        for expected in (None, 1):
            _, target = await ask_question(builder, earlier=["x" * 1_200])
            result = await assistant.generator.generate(AnswerInProgress(target, assistant.hub, 0))
            assert result.omitted_messages == expected
        await assistant.catalog.close()


async def test_an_endless_answer_ends_at_the_maximum_length(builder: DatabaseBuilder) -> None:
    """Its finish reason is `length`."""
    script = ScriptedAnswer([*[chunk("x" * 1_000)] * 70, asyncio.Event()])
    result, _, _ = await _generate(builder, script)

    assert result.finish_reason == "length"
    assert len(result.content) == MESSAGE_MAX


_PING = b": still working\n\n"
_USAGE = b'data: {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 0}}\n\n'


@pytest.mark.parametrize("part", [_PING, _USAGE, chunk(""), b'data: {"choices": []}\n\n'])
async def test_a_model_has_a_time_limit_to_its_first_text(
    builder: DatabaseBuilder, part: bytes
) -> None:
    """Comments and chunks without text keep the connection, not the answer."""
    script = ScriptedAnswer([p for _ in range(1_000) for p in (part, 0.02)])
    result, _, assistant = await _generate(
        builder, script, llm=Llm(first_token_timeout_seconds=1, idle_timeout_seconds=60)
    )

    assert (result.content, result.finish_reason, result.error_code) == ("", "timeout", "timeout")
    assert "did not begin to answer within 1 s" in (result.error_message or "")
    assert assistant.metrics.registry.get_sample_value("rustygpt_stream_timeouts_total") == 1


async def test_a_model_that_falls_silent_is_a_timeout(builder: DatabaseBuilder) -> None:
    """The text so far is kept; comments do not count as text."""
    script = ScriptedAnswer([chunk("half"), *[p for _ in range(1_000) for p in (_PING, 0.02)]])
    result, _, _ = await _generate(builder, script, llm=Llm(idle_timeout_seconds=1))

    assert (result.content, result.finish_reason, result.error_code) == (
        "half",
        "timeout",
        "timeout",
    )
    assert "sent no more text for 1 s" in (result.error_message or "")


async def test_an_answer_has_a_maximum_duration(builder: DatabaseBuilder) -> None:
    """A model that streams slowly for ever is stopped, and the timeout is counted."""
    script = ScriptedAnswer([part for _ in range(100) for part in (chunk("x"), 0.05)])
    result, _, assistant = await _generate(builder, script, llm=Llm(timeout_seconds=1))

    assert result.finish_reason == "timeout"
    assert result.content.startswith("xx")
    assert "wrote for 1 s and came to no end" in (result.error_message or "")
    assert assistant.metrics.registry.get_sample_value("rustygpt_stream_timeouts_total") == 1


async def test_the_duration_counts_from_the_first_text(builder: DatabaseBuilder) -> None:
    """A model may be loaded for longer than it may write."""
    script = ScriptedAnswer([1.2, chunk("late"), finished()])
    result, _, _ = await _generate(builder, script, llm=Llm(timeout_seconds=1))

    assert (result.content, result.finish_reason) == ("late", "stop")


async def test_reasoning_is_the_first_text(builder: DatabaseBuilder) -> None:
    """It ends the wait, and is measured as the first token."""
    reasoning = b'data: {"choices": [{"delta": {"reasoning": "hm"}}]}\n\n'
    script = ScriptedAnswer([reasoning, 1.2, chunk("so"), finished()])
    result, _, assistant = await _generate(
        builder, script, llm=Llm(first_token_timeout_seconds=1, idle_timeout_seconds=60)
    )

    assert (result.content, result.reasoning, result.finish_reason) == ("so", "hm", "stop")
    sample = assistant.metrics.registry.get_sample_value
    assert sample("llm_first_token_seconds_count", {"model": "demo"}) == 1


async def test_chunks_are_stored_during_generation(builder: DatabaseBuilder) -> None:
    """A crash loses at most the text of one interval."""
    resume = asyncio.Event()
    script = ScriptedAnswer([chunk("one "), chunk("two"), resume, chunk(" three"), finished()])
    async with fake_model_server(script) as model:
        limits = TimeLimits(chunk_interval=0)
        assistant = AssistantHarness(builder.db, openai_provider(model.url), limits=limits)
        user_id, target = await ask_question(builder)
        in_progress = AnswerInProgress(target, assistant.hub, 0)
        generating = asyncio.create_task(assistant.generator.generate(in_progress))
        await until(lambda: in_progress.content == "one two")
        resume.set()
        await generating
        await assistant.catalog.close()
    chunks = await messages.list_chunks(builder.db, user_id, target.message_id, 0, 10)

    assert "".join(chunk.content for chunk in chunks) == "one two three"
    assert len(chunks) >= 2


async def test_an_answer_that_was_ended_elsewhere_is_no_longer_generated(
    builder: DatabaseBuilder,
) -> None:
    """The next chunk cannot be stored, and the connection to the model is closed."""
    provider = EndlessProvider()
    assistant = AssistantHarness(builder.db, provider, limits=TimeLimits(chunk_interval=0))
    _, target = await ask_question(builder)
    await answers.fail_orphans(builder.db, builder.advance_time(3_600))
    with pytest.raises(Conflict):
        await assistant.generator.generate(AnswerInProgress(target, assistant.hub, 0))

    assert provider.closed


async def test_a_cancelled_task_raises_the_cancellation(
    builder: DatabaseBuilder,
) -> None:
    """Only a requested cancellation ends the answer with a result."""
    assistant = AssistantHarness(builder.db, EndlessProvider())
    _, target = await ask_question(builder)
    in_progress = AnswerInProgress(target, assistant.hub, 0)
    generating = asyncio.create_task(assistant.generator.generate(in_progress))
    await until(lambda: in_progress.content != "")
    generating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await generating


class EndlessProvider:
    """A provider that sends text until it is closed, and records that it was."""

    def __init__(self) -> None:
        self.closed = False

    async def stream(self, prompt: Prompt) -> AsyncIterator[CompletionChunk]:
        try:
            while True:
                yield CompletionChunk(content="x")
                await asyncio.sleep(0)
        finally:
            self.closed = True

    async def list_models(self) -> list[ListedModel]:
        return [ListedModel("demo")]

    async def close(self) -> None:
        """Release nothing."""


async def test_an_answer_that_breaks_off_has_an_estimated_usage(builder: DatabaseBuilder) -> None:
    """Its text and its prompt count; an answer without text has no usage."""
    result, _, _ = await _generate(builder, ScriptedAnswer([chunk("Hello")]))
    assert (result.finish_reason, result.error_code) == ("error", "interrupted")
    assert result.usage is not None
    assert result.usage.estimated
    assert result.usage.completion_tokens == 2
    assert result.usage.prompt_tokens > 2

    result, _, _ = await _generate(builder, ScriptedAnswer([b"{}"], status=500))
    assert (result.finish_reason, result.usage) == ("error", None)


async def test_beyond_the_budget_no_model_is_called(builder: DatabaseBuilder) -> None:
    """The budget is that of the user who asked, on this day, whichever process counted it."""
    async with fake_model_server(answer("Hello")) as model:
        assistant = AssistantHarness(
            builder.db, openai_provider(model.url), Llm(daily_token_budget=100)
        )
        user_id, target = await ask_question(builder)
        now = SystemClock().now()
        await usage.record_usage(builder.db, user_id, "m", Usage(60, 40, 100), now)
        refused = await assistant.generator.generate(AnswerInProgress(target, assistant.hub, 0))
        _, other = await ask_question(builder)
        allowed = await assistant.generator.generate(AnswerInProgress(other, assistant.hub, 0))
        await assistant.catalog.close()

    assert (refused.finish_reason, refused.error_code) == ("error", "RGP.BUDGET")
    assert allowed.content == "Hello"
    assert len(model.requests) == 1
