"""Completions that belong to no message: their text, their bounds and their usage."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from tests.support.components.assistant_harness import AssistantHarness

from rustygpt_server.assistant.completions import (
    TEXT_MAX,
    CompletionGenerator,
    CompletionInput,
    CompletionProgress,
)
from rustygpt_server.assistant.prompt import estimate_tokens
from rustygpt_server.assistant.provider import (
    ChatMessage,
    CompletionChunk,
    ListedModel,
    Prompt,
    ProviderError,
)
from rustygpt_server.db.database import Database
from rustygpt_server.runtime import Runtime
from rustygpt_shared.models.messages import Usage
from rustygpt_shared.settings import Llm

INPUT = CompletionInput("demo", [ChatMessage("user", "Hello?")], {"seed": 1})
USER = UUID(int=1)


class _Model:
    """A provider that sends chunks, and notes that it was stopped."""

    def __init__(self, *chunks: CompletionChunk, holds: bool = False) -> None:
        self.chunks = chunks
        self.holds = holds
        self.prompts: list[Prompt] = []
        self.sent = 0
        self.stopped = False

    async def stream(self, prompt: Prompt) -> AsyncIterator[CompletionChunk]:
        """Stream the chunks, and then wait for ever if it `holds`."""
        self.prompts.append(prompt)
        try:
            for chunk in self.chunks:
                self.sent += 1
                yield chunk
            if self.holds:
                await asyncio.Event().wait()
        except (GeneratorExit, asyncio.CancelledError):
            self.stopped = True
            raise

    async def list_models(self) -> list[ListedModel]:
        """Return no model."""
        return []

    async def close(self) -> None:
        """Do nothing."""


async def _allow() -> None:
    """Let the user have the completion."""


async def _generate(
    database: Database, model: _Model, request: CompletionInput = INPUT, llm: Llm | None = None
) -> tuple[str, CompletionProgress]:
    """Return the text of a completion, and what is known of it."""
    assistant = AssistantHarness(database, model, llm)
    settings = llm or Llm()
    generator = CompletionGenerator(assistant.catalog, settings, Runtime(metrics=assistant.metrics))
    progress = CompletionProgress(request)
    parts: list[str] = []

    async def emit(chunk: CompletionChunk) -> None:
        parts.append(chunk.reasoning + chunk.content)

    await generator.generate(progress, USER, emit, _allow)
    return "".join(parts), progress


async def test_usage_is_what_the_model_reports(database: Database) -> None:
    """Else an estimate of the prompt and of the text, reasoning included."""
    reported = Usage(7, 2, 9)
    text = [CompletionChunk(reasoning="Well. "), CompletionChunk(content="Hello")]
    model = _Model(*text, CompletionChunk(usage=reported))
    result, progress = await _generate(database, model)
    assert (result, progress.usage()) == ("Well. Hello", reported)
    assert model.prompts[0].params == {"seed": 1}

    _, progress = await _generate(database, _Model(*text))
    used = progress.usage()
    assert used is not None
    assert used.estimated
    assert used.completion_tokens == estimate_tokens("Well. Hello")
    assert used.prompt_tokens > 0


async def test_a_completion_that_is_too_long_ends_with_length(database: Database) -> None:
    """The model is stopped there; reasoning counts, too."""
    long = "x" * (TEXT_MAX // 2 + 1)
    model = _Model(CompletionChunk(reasoning=long), *[CompletionChunk(content=long)] * 9)
    text, progress = await _generate(database, model)

    assert len(text) == TEXT_MAX
    assert progress.finish_reason == "length"
    assert (model.sent, model.stopped) == (2, True)


async def test_a_stop_sequence_at_once_is_counted(database: Database) -> None:
    """A reader who gets no text has used the model all the same."""
    request = CompletionInput("demo", INPUT.messages, stops=("H",))
    text, progress = await _generate(database, _Model(CompletionChunk(content="Hello")), request)

    assert (text, progress.finish_reason) == ("", "stop")
    assert progress.usage() is not None


async def test_a_reader_that_takes_nothing_stops_the_model(database: Database) -> None:
    """So that it does not keep a place for ever."""
    model = _Model(CompletionChunk(content="Hello"), holds=True)
    assistant = AssistantHarness(database, model)
    generator = CompletionGenerator(
        assistant.catalog, Llm(timeout_seconds=1), Runtime(metrics=assistant.metrics)
    )

    async def emit(_chunk: CompletionChunk) -> None:
        await asyncio.Event().wait()

    with pytest.raises(ProviderError) as refused:
        await generator.generate(CompletionProgress(INPUT), USER, emit, _allow)
    assert refused.value.code == "slow_client"
    assert model.stopped


async def test_what_a_model_was_called_with_counts_when_the_reader_leaves(
    database: Database,
) -> None:
    """Also without any text: a long prompt is work. Before the call nothing counts."""
    model = _Model(holds=True)
    assistant = AssistantHarness(database, model)
    generator = CompletionGenerator(assistant.catalog, Llm(), Runtime())
    progress = CompletionProgress(INPUT)
    progress.stop()
    assert progress.usage() is None

    async def emit(_chunk: CompletionChunk) -> None:
        """Take nothing."""

    task = asyncio.create_task(generator.generate(progress, USER, emit, _allow))
    async with asyncio.timeout(5):
        while not model.prompts:
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    progress.stop()
    used = progress.usage()
    assert used is not None
    assert (used.completion_tokens, used.estimated) == (0, True)
