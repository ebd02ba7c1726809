"""Generation of completions that belong to no message: from chat messages to chunks of text.

Who may have one, and who reads it, is decided by the services.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, cast
from uuid import UUID

from msgspec import Struct

from rustygpt_server.assistant.catalog import Catalog, ResolvedModel
from rustygpt_server.assistant.deadlines import Deadlines
from rustygpt_server.assistant.prompt import estimate_prompt, estimate_tokens, estimated_usage
from rustygpt_server.assistant.provider import ChatMessage, CompletionChunk, Prompt, ProviderError
from rustygpt_server.assistant.stop_sequences import StopFilter
from rustygpt_server.runtime import Runtime
from rustygpt_shared.models.messages import Usage
from rustygpt_shared.settings import Llm

TEXT_MAX = 1 << 18
"""Characters of a completion at most, reasoning included."""

Emit = Callable[[CompletionChunk], Awaitable[None]]
Authorize = Callable[[], Awaitable[None]]
"""Raises RequestError when the user may have no completion, or no more today."""


class CompletionInput(Struct, frozen=True):
    """What a completion is generated from."""

    model: str
    messages: list[ChatMessage]
    params: dict[str, Any] = {}
    """What the model's server gets besides; it overrides the configured parameters."""
    stops: tuple[str, ...] = ()


class CompletionProgress:
    """What is known of a completion while it is generated, and afterwards."""

    def __init__(self, request: CompletionInput) -> None:
        self.request = request
        self.finish_reason: str | None = None
        self._stops = StopFilter(request.stops)
        self._parts: list[str] = []
        self._length = 0
        self.has_text = False
        """True once the model has sent text, of which the reader may have got nothing."""
        self._is_counted = False
        self._was_called = False
        self._reported: Usage | None = None

    @property
    def is_complete(self) -> bool:
        """True when no more text is taken: a stop sequence has appeared, or it is too long."""
        return self._stops.found or self._length >= TEXT_MAX

    def add(self, chunk: CompletionChunk) -> CompletionChunk:
        """Count a chunk; return the part of it that the reader gets."""
        self.finish_reason = chunk.finish_reason or self.finish_reason
        self._reported = chunk.usage or self._reported
        self.has_text |= bool(chunk.content or chunk.reasoning)
        self._is_counted |= self.has_text
        reasoning = self._limited(chunk.reasoning)
        content = self._limited(self._stops.feed(chunk.content))
        if self._stops.found:
            self.finish_reason = "stop"
        elif self._length >= TEXT_MAX:
            self.finish_reason = "length"
        return CompletionChunk(content=content, reasoning=reasoning)

    def end(self) -> CompletionChunk:
        """Return the text that was held back."""
        return CompletionChunk(content=self._limited(self._stops.end()))

    def begin(self) -> None:
        """Note that the model is being called."""
        self._was_called = True

    def stop(self) -> None:
        """Note that the reader has left: what the model was called with counts without any text."""
        self._is_counted |= self._was_called

    def usage(self) -> Usage | None:
        """Return the usage: as reported, else estimated; None if the model has sent no text."""
        if self._reported or not self._is_counted:
            return self._reported
        tokens = estimate_tokens("".join(self._parts))
        return estimated_usage(estimate_prompt(self.request.messages), tokens)

    def _limited(self, text: str) -> str:
        text = text[: TEXT_MAX - self._length]
        self._length += len(text)
        if text:
            self._parts.append(text)
        return text


class CompletionGenerator:
    """Generates completions; they wait in the queues of their providers as answers do."""

    def __init__(self, catalog: Catalog, settings: Llm, runtime: Runtime) -> None:
        self._catalog = catalog
        self._settings = settings
        self._clock = runtime.clock
        self._metrics = runtime.metrics

    async def generate(
        self, progress: CompletionProgress, user_id: UUID, emit: Emit, authorize: Authorize
    ) -> None:
        """Generate a completion for a user; `emit` gets its text. Raises ProviderError.

        `authorize` is called when its turn has come: those before it may have used up the budget.
        A cancellation stops the model; a reader that takes no text for too long does, too.
        """
        request = progress.request
        model = self._catalog.resolve(request.model)
        try:
            async with model.queue.slot(user_id, _ignore_position):
                await authorize()
                with self._metrics.active.labels(self._label(progress)).track_inprogress():
                    await self._stream(model, progress, emit)
        except ProviderError as error:
            if error.code == "timeout":
                self._metrics.timeouts.inc()
            raise
        finally:
            self._count(progress)

    async def _stream(self, model: ResolvedModel, progress: CompletionProgress, emit: Emit) -> None:
        request = progress.request
        prompt = Prompt(model.name, request.messages, {**model.params, **request.params})
        started = self._clock.monotonic()
        progress.begin()
        deadlines = Deadlines(self._settings)
        source = cast("AsyncGenerator[CompletionChunk, None]", model.provider.stream(prompt))
        async with aclosing(source) as chunks:
            while not progress.is_complete:
                chunk = await deadlines.next_chunk(chunks)
                if chunk is None:
                    break
                if not progress.has_text and (chunk.content or chunk.reasoning):
                    first = self._metrics.time_to_first_token.labels(self._label(progress))
                    first.observe(self._clock.monotonic() - started)
                await self._send(progress.add(chunk), emit)
        await self._send(progress.end(), emit)

    async def _send(self, chunk: CompletionChunk, emit: Emit) -> None:
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                await emit(chunk)
        except TimeoutError:
            message = "The client took no more text of the completion, so it was stopped."
            raise ProviderError(message, "slow_client") from None

    def _label(self, progress: CompletionProgress) -> str:
        return self._catalog.label(progress.request.model)

    def _count(self, progress: CompletionProgress) -> None:
        usage = progress.usage()
        if usage:
            self._metrics.count_tokens(
                self._label(progress), usage.prompt_tokens, usage.completion_tokens
            )


def _ignore_position(_position: int) -> None:
    """A completion does not show what it waits for."""
