"""Generation of one answer: call the model, store its chunks, and produce one result."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Literal, cast

from rustygpt_server.assistant.answer import AnswerInProgress
from rustygpt_server.assistant.budget import TokenBudgets
from rustygpt_server.assistant.catalog import Catalog, ResolvedModel
from rustygpt_server.assistant.deadlines import Deadlines
from rustygpt_server.assistant.prompt import (
    build_messages,
    check_fits,
    estimate_prompt,
    estimate_tokens,
    estimated_usage,
    from_a_question,
    prompt_limit,
)
from rustygpt_server.assistant.provider import (
    CompletionChunk,
    ContextExceeded,
    Prompt,
    ProviderError,
)
from rustygpt_server.assistant.token_ratios import TokenRatios
from rustygpt_server.clock import Clock
from rustygpt_server.db import answers
from rustygpt_server.db.answers import AnswerResult
from rustygpt_server.db.database import Database
from rustygpt_server.errors import BudgetUsedUp, Unavailable
from rustygpt_server.runtime import Runtime
from rustygpt_shared.models.messages import Usage
from rustygpt_shared.settings import Llm

FinishReason = Literal["stop", "length", "cancelled", "timeout", "error"]


class AnswerGenerator:
    """Generates the answers of one process, as many at a time as their providers accept."""

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
        self._token_ratios = TokenRatios()
        self._budgets = TokenBudgets(db, settings.daily_token_budget, runtime.clock)

    async def generate(self, answer: AnswerInProgress) -> AnswerResult:
        """Generate an answer to its end; failures of the model are part of the result.

        Raises the database's exceptions. A cancellation gives a result if the answer was stopped.
        """
        try:
            await self._budgets.check_answer(answer.message_id)
            model = self._catalog.resolve(answer.target.model)
            async with model.queue.slot(answer.target.user_id, answer.set_queued):
                await self._budgets.check_answer(answer.message_id)
                with self._metrics.active.labels(self._label(answer)).track_inprogress():
                    await self._stream_within_context(answer, model)
            return self._finished_result(answer)
        except BudgetUsedUp as error:
            return failed_result(answer, error.code, error.detail)
        except ProviderError as error:
            reason: FinishReason = "error"
            if error.code == "timeout":
                self._metrics.timeouts.inc()
                reason = "timeout"
            return failed_result(answer, error.code, error.detail, reason)
        except asyncio.CancelledError:
            if answer.stopped is None:
                raise
            return stopped_result(answer)

    async def _stream_within_context(self, answer: AnswerInProgress, model: ResolvedModel) -> None:
        """Ask once more with a shorter prompt if the model's context was smaller than assumed."""
        try:
            await self._stream(answer, model)
        except ContextExceeded as error:
            if answer.has_text:
                raise
            await self._stream(answer, self._catalog.shrink_context(model, error.context_tokens))

    async def _stream(self, answer: AnswerInProgress, model: ResolvedModel) -> None:
        prompt = await self._prompt(answer, model)
        answer.set_waiting()
        started = self._clock.monotonic()
        deadlines = Deadlines(self._settings)
        store = _ChunkStore(self._db, answer, self._instance_id, self._clock)
        source = cast("AsyncGenerator[CompletionChunk, None]", model.provider.stream(prompt))
        async with aclosing(source) as chunks:
            while (chunk := await deadlines.next_chunk(chunks)) is not None:
                if not answer.has_text and (chunk.content or chunk.reasoning):
                    self._begin_text(answer, self._clock.monotonic() - started)
                answer.add(chunk)
                if answer.is_full:
                    answer.finish_reason = "length"
                    break
                await store.save(self._limits.chunk_interval)
        if answer.usage:
            self._token_ratios.learn(model.name, answer.prompt_tokens, answer.usage.prompt_tokens)
        answer.usage = answer.usage or _estimated_usage(answer)
        await store.save(0)

    async def _prompt(self, answer: AnswerInProgress, model: ResolvedModel) -> Prompt:
        """Return the prompt of an answer, within the model's context; raise ProviderError."""
        limit = prompt_limit(model.context_tokens, model.params)
        limit = self._token_ratios.estimated(model.name, limit)
        chain = await answers.list_prompt(self._db, answer.message_id, limit)
        chain = from_a_question(chain)
        answer.omitted_messages = chain.omitted or None
        messages = build_messages(chain)
        answer.prompt_tokens = estimate_prompt(messages)
        check_fits(messages, self._token_ratios.estimated(model.name, model.context_tokens))
        return Prompt(model.name, messages, model.params)

    def _begin_text(self, answer: AnswerInProgress, seconds: float) -> None:
        self._metrics.time_to_first_token.labels(self._label(answer)).observe(seconds)
        answer.set_writing(round(seconds * 1_000))

    def _label(self, answer: AnswerInProgress) -> str:
        return self._catalog.label(answer.target.model)

    def _finished_result(self, answer: AnswerInProgress) -> AnswerResult:
        answer.flush()
        if answer.usage:
            usage = answer.usage
            self._metrics.count_tokens(
                self._label(answer), usage.prompt_tokens, usage.completion_tokens
            )
        reason = cast("FinishReason", answer.finish_reason or "stop")
        return _result(answer, reason)


def failed_result(
    answer: AnswerInProgress, code: str, message: str, reason: FinishReason = "error"
) -> AnswerResult:
    """Return the result of an answer that failed; the text so far is kept."""
    answer.flush()
    return _result(answer, reason, code, message)


def stopped_result(answer: AnswerInProgress) -> AnswerResult:
    """Return the result of an answer that was stopped from outside."""
    if answer.stopped != "cancelled":
        message = "The server was stopped while it generated the answer; ask again."
        return failed_result(answer, "shutdown", message)
    answer.flush()
    return _result(answer, "cancelled")


def _result(
    answer: AnswerInProgress,
    reason: FinishReason,
    error_code: str | None = None,
    error_message: str | None = None,
) -> AnswerResult:
    return AnswerResult(
        answer.content,
        reason,
        answer.reasoning or None,
        answer.usage or _estimated_usage(answer),
        error_code,
        error_message,
        answer.omitted_messages,
    )


class _ChunkStore:
    """Stores an answer's text in chunks, so that a crash loses at most an interval's text."""

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
        """Store what is new, at most once per interval.

        An unavailable database is tried again later.
        """
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


def _estimated_usage(answer: AnswerInProgress) -> Usage | None:
    """Return the usage of an answer whose model reported none, or not yet.

    An answer without text has none, unless a user stopped it: the prompt was work.
    """
    tokens = estimate_tokens(answer.content) + estimate_tokens(answer.reasoning)
    prompt_tokens = answer.prompt_tokens
    if not tokens and not (answer.stopped == "cancelled" and prompt_tokens):
        return None
    return estimated_usage(prompt_tokens, tokens)
