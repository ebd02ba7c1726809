"""The writing of one answer, with a scripted model and a real database."""

import asyncio
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
from rustygpt_server.assistant.provider import CompletionChunk, Prompt
from rustygpt_server.clock import TimeLimits
from rustygpt_server.db import answers, messages
from rustygpt_server.db.answers import AnswerResult
from rustygpt_server.errors import Conflict
from rustygpt_shared.settings import Llm
from rustygpt_shared.text_rules import MESSAGE_MAX


async def _write(
    scene: DatabaseBuilder,
    *scripts: ScriptedAnswer,
    llm: Llm | None = None,
    limits: TimeLimits | None = None,
) -> tuple[AnswerResult, AnswerInProgress, AssistantHarness]:
    async with fake_model_server(*scripts) as model:
        assistant = AssistantHarness(scene.db, openai_provider(model.url), llm, limits)
        _, place = await ask_question(scene)
        growing = AnswerInProgress(place, assistant.hub, 0)
        ending = await assistant.generator.generate(growing)
        await assistant.catalog.close()
    return ending, growing, assistant


async def test_a_whole_answer_ends_as_the_model_says(builder: DatabaseBuilder) -> None:
    """Text, reason, and an estimate where the server tells no usage; tokens are counted."""
    ending, _, assistant = await _write(builder, answer("Hel", "lo"))

    assert (ending.content, ending.finish_reason, ending.error_code) == ("Hello", "stop", None)
    assert ending.usage is not None
    assert ending.usage.estimated is True
    counted = assistant.metrics.registry.get_sample_value
    assert counted("llm_tokens_total", {"model": "demo", "kind": "completion"}) == 2
    assert counted("llm_first_token_seconds_count", {"model": "demo"}) == 1


async def test_a_model_that_never_stops_is_cut(builder: DatabaseBuilder) -> None:
    """At the length of a message, as `length`."""
    script = ScriptedAnswer([*[chunk("x" * 1_000)] * 70, asyncio.Event()])
    ending, _, _ = await _write(builder, script)

    assert ending.finish_reason == "length"
    assert len(ending.content) == MESSAGE_MAX


async def test_silence_in_the_middle_is_a_timeout(builder: DatabaseBuilder) -> None:
    """What came before it stays."""
    script = ScriptedAnswer([chunk("half"), asyncio.Event()])
    ending, _, _ = await _write(builder, script, llm=Llm(idle_timeout_seconds=1))

    assert (ending.content, ending.finish_reason, ending.error_code) == (
        "half",
        "timeout",
        "timeout",
    )


async def test_the_whole_answer_has_a_limit_in_time(builder: DatabaseBuilder) -> None:
    """A model that trickles for ever is cut, and it is counted."""
    script = ScriptedAnswer([part for _ in range(100) for part in (chunk("x"), 0.05)])
    ending, _, assistant = await _write(builder, script, llm=Llm(timeout_seconds=1))

    assert ending.finish_reason == "timeout"
    assert ending.content.startswith("xx")
    assert assistant.metrics.registry.get_sample_value("rustygpt_stream_timeouts_total") == 1


async def test_pieces_are_stored_on_the_way(builder: DatabaseBuilder) -> None:
    """So that a crash loses a second of text at most."""
    go = asyncio.Event()
    script = ScriptedAnswer([chunk("one "), chunk("two"), go, chunk(" three"), finished()])
    async with fake_model_server(script) as model:
        limits = TimeLimits(chunk_interval=0)
        assistant = AssistantHarness(builder.db, openai_provider(model.url), limits=limits)
        who, place = await ask_question(builder)
        growing = AnswerInProgress(place, assistant.hub, 0)
        writing = asyncio.create_task(assistant.generator.generate(growing))
        await until(lambda: growing.content == "one two")
        go.set()
        await writing
        await assistant.catalog.close()
    chunks = await messages.list_chunks(builder.db, who, place.message_id, 0, 10)

    assert "".join(chunk.content for chunk in chunks) == "one two three"
    assert len(chunks) >= 2


async def test_an_answer_that_ended_elsewhere_is_no_longer_written(
    builder: DatabaseBuilder,
) -> None:
    """It is noticed when the next piece is to be stored, and the model is hung up on."""
    provider = Endless()
    assistant = AssistantHarness(builder.db, provider, limits=TimeLimits(chunk_interval=0))
    _, place = await ask_question(builder)
    await answers.fail_orphans(builder.db, builder.advance_time(3_600))
    with pytest.raises(Conflict):
        await assistant.generator.generate(AnswerInProgress(place, assistant.hub, 0))

    assert provider.closed


async def test_a_cancellation_that_nobody_asked_for_is_none_of_ours(
    builder: DatabaseBuilder,
) -> None:
    """Only who stops an answer on purpose gets an ending of it."""
    assistant = AssistantHarness(builder.db, Endless())
    _, place = await ask_question(builder)
    growing = AnswerInProgress(place, assistant.hub, 0)
    writing = asyncio.create_task(assistant.generator.generate(growing))
    await until(lambda: growing.content != "")
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing


class Endless:
    """A provider that talks until it is stopped, and notes that it was."""

    def __init__(self) -> None:
        self.closed = False

    async def stream(self, prompt: Prompt) -> AsyncIterator[CompletionChunk]:
        try:
            while True:
                yield CompletionChunk(content="x")
                await asyncio.sleep(0)
        finally:
            self.closed = True

    async def list_models(self) -> list[str]:
        return ["demo"]

    async def close(self) -> None:
        """Nothing is held."""
