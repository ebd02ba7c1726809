"""Write one answer: ask the model, store what comes, and end it one way or another."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Literal, cast

from rustygpt_server.assistant.answer import AnswerInProgress
from rustygpt_server.assistant.catalog import Catalog
from rustygpt_server.assistant.prompt import build_messages, character_limit, estimate_tokens
from rustygpt_server.assistant.provider import CompletionChunk, Prompt, ProviderError
from rustygpt_server.clock import Clock
from rustygpt_server.db import answers
from rustygpt_server.db.answers import AnswerResult
from rustygpt_server.db.database import Database
from rustygpt_server.errors import Unavailable
from rustygpt_server.runtime import Runtime
from rustygpt_shared.models.messages import Usage
from rustygpt_shared.settings import Llm

FinishReason = Literal["stop", "length", "cancelled", "timeout", "error"]


class AnswerGenerator:
    """Writes answers for one process."""

    def __init__(
        self,
        db: Database,
        catalog: Catalog,
        settings: Llm,
        runtime: Runtime,
        instance_id: str,
    ) -> None:
        self._db = db
        self._catalog = catalog
        self._settings = settings
        self._limits = runtime.limits
        self._clock = runtime.clock
        self._metrics = runtime.metrics
        self._instance_id = instance_id
        self._slots = asyncio.Semaphore(settings.max_concurrent_requests)

    async def generate(self, answer: AnswerInProgress) -> AnswerResult:
        """Let the model write the whole answer; what fails at the model is told by the ending.

        Raises what the database refuses; a cancellation is an ending once somebody asked for it.
        """
        try:
            async with self._slots:
                with self._metrics.active.labels(answer.target.model).track_inprogress():
                    async with asyncio.timeout(self._settings.timeout_seconds):
                        await self._stream(answer)
            return self._finished_result(answer)
        except TimeoutError:
            self._metrics.timeouts.inc()
            words = "The model took too long; ask again or ask for less."
            return failed_result(answer, "timeout", words, "timeout")
        except ProviderError as error:
            reason: FinishReason = "timeout" if error.code == "timeout" else "error"
            return failed_result(answer, error.code, error.detail, reason)
        except asyncio.CancelledError:
            if answer.stopped is None:
                raise
            return stopped_result(answer)

    async def _stream(self, answer: AnswerInProgress) -> None:
        chosen = self._catalog.resolve(answer.target.model)
        limit = character_limit(chosen.context_tokens)
        chain = await answers.list_prompt(self._db, answer.message_id, limit)
        prompt = Prompt(chosen.name, build_messages(chain), chosen.params)
        started, store = (
            self._clock.monotonic(),
            _ChunkStore(self._db, answer, self._instance_id, self._clock),
        )
        source = cast("AsyncGenerator[CompletionChunk, None]", chosen.provider.stream(prompt))
        async with aclosing(source) as pieces:
            async for piece in self._with_idle_timeout(pieces):
                if not answer.content and piece.content:
                    waited = self._clock.monotonic() - started
                    self._metrics.time_to_first_token.labels(answer.target.model).observe(waited)
                answer.add(piece)
                if answer.is_full:
                    answer.finish_reason = "length"
                    break
                await store.save(self._limits.chunk_interval)
        answer.usage = answer.usage or _estimated_usage(prompt, answer)
        await store.save(0)

    async def _with_idle_timeout(
        self, pieces: AsyncIterator[CompletionChunk]
    ) -> AsyncIterator[CompletionChunk]:
        """Give up when the model says nothing for too long; loading it may take its time."""
        idle: float | None = None
        while True:
            async with asyncio.timeout(idle):
                try:
                    piece = await anext(pieces)
                except StopAsyncIteration:
                    return
            idle = self._settings.idle_timeout_seconds
            yield piece

    def _finished_result(self, answer: AnswerInProgress) -> AnswerResult:
        answer.flush()
        if answer.usage:
            count = self._metrics.tokens.labels
            count(answer.target.model, "prompt").inc(answer.usage.prompt_tokens)
            count(answer.target.model, "completion").inc(answer.usage.completion_tokens)
        reason = cast("FinishReason", answer.finish_reason or "stop")
        return AnswerResult(answer.content, reason, answer.reasoning or None, answer.usage)


def failed_result(
    answer: AnswerInProgress, code: str, message: str, reason: FinishReason = "error"
) -> AnswerResult:
    """The end of an answer that went wrong; what was written of it stays."""
    answer.flush()
    return AnswerResult(
        answer.content, reason, answer.reasoning or None, answer.usage, code, message
    )


def stopped_result(answer: AnswerInProgress) -> AnswerResult:
    """The end of an answer that was stopped from outside."""
    if answer.stopped != "cancelled":
        words = "The server was stopped while the answer was written."
        return failed_result(answer, "shutdown", words)
    answer.flush()
    return AnswerResult(answer.content, "cancelled", answer.reasoning or None, answer.usage)


class _ChunkStore:
    """Stores an answer's text piece by piece, so that a crash loses little of it."""

    def __init__(
        self, db: Database, answer: AnswerInProgress, instance_id: str, clock: Clock
    ) -> None:
        self._db = db
        self._answer = answer
        self._instance_id = instance_id
        self._clock = clock
        self._stored = 0
        self._chunks = 0
        self._last = clock.monotonic()

    async def save(self, interval: float) -> None:
        """Store what is new, at most once per interval; a database that is away is waited out."""
        text = self._answer.content[self._stored :]
        if not text or self._clock.monotonic() - self._last < interval:
            return
        self._last = self._clock.monotonic()
        try:
            await answers.append_chunks(
                self._db,
                self._answer.message_id,
                self._instance_id,
                self._chunks,
                [text],
                self._clock.now(),
            )
        except Unavailable:
            return
        self._stored += len(text)
        self._chunks += 1


def _estimated_usage(prompt: Prompt, answer: AnswerInProgress) -> Usage:
    read = sum(estimate_tokens(turn.content) for turn in prompt.messages)
    written = estimate_tokens(answer.content)
    return Usage(read, written, read + written, estimated=True)
