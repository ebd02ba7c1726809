"""Generation of completions that belong to no message: from chat messages to chunks of text.

Who may have one, and who reads it, is decided by the services.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, cast

from msgspec import Struct

from rustygpt_server.assistant.catalog import Catalog, ResolvedModel
from rustygpt_server.assistant.prompt import check_fits, estimate_prompt, estimate_tokens
from rustygpt_server.assistant.provider import ChatMessage, CompletionChunk, Prompt, ProviderError
from rustygpt_server.assistant.stop_sequences import StopFilter
from rustygpt_server.runtime import Runtime
from rustygpt_shared.models.messages import Usage
from rustygpt_shared.settings import Llm

TEXT_MAX = 1 << 18
"""Characters of a completion at most, reasoning included."""

Emit = Callable[[CompletionChunk], Awaitable[None]]


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
        self._is_counted |= bool(chunk.content or chunk.reasoning)
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
        prompt_tokens = estimate_prompt(self.request.messages)
        tokens = estimate_tokens("".join(self._parts))
        return Usage(prompt_tokens, tokens, prompt_tokens + tokens, estimated=True)

    def _limited(self, text: str) -> str:
        text = text[: TEXT_MAX - self._length]
        self._length += len(text)
        if text:
            self._parts.append(text)
        return text


class CompletionGenerator:
    """Generates completions; they share the places of the process's answers."""

    def __init__(
        self, catalog: Catalog, settings: Llm, runtime: Runtime, slots: asyncio.Semaphore
    ) -> None:
        """`slots` are the places of requests to models."""
        self._catalog = catalog
        self._settings = settings
        self._clock = runtime.clock
        self._metrics = runtime.metrics
        self._slots = slots

    async def generate(self, progress: CompletionProgress, emit: Emit) -> None:
        """Generate a completion; `emit` gets its text and may wait. Raises ProviderError.

        A cancellation stops the model. The time limit holds for the wait for a place, and then for
        the completion, in which it includes the reader's time.
        """
        model = self._catalog.resolve(progress.request.model)
        check_fits(progress.request.messages, model.context_tokens)
        seconds = self._settings.timeout_seconds
        await self._wait_for_slot(seconds)
        try:
            label = self._catalog.label(progress.request.model)
            with self._metrics.active.labels(label).track_inprogress():
                async with asyncio.timeout(seconds):
                    await self._stream(model, progress, emit)
        except TimeoutError:
            self._metrics.timeouts.inc()
            raise ProviderError("The model took too long; ask for less.", "timeout") from None
        finally:
            self._slots.release()
            self._count(progress)

    async def _wait_for_slot(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._slots.acquire()
        except TimeoutError:
            raise ProviderError("The models are busy; try again in a moment.", "busy") from None

    async def _stream(self, model: ResolvedModel, progress: CompletionProgress, emit: Emit) -> None:
        request = progress.request
        prompt = Prompt(model.name, request.messages, {**model.params, **request.params})
        started = self._clock.monotonic()
        progress.begin()
        source = cast("AsyncGenerator[CompletionChunk, None]", model.provider.stream(prompt))
        idle: float | None = None
        async with aclosing(source) as chunks:
            while not progress.is_complete:
                async with asyncio.timeout(idle):
                    chunk = await anext(chunks, None)
                if chunk is None:
                    break
                if idle is None:
                    label = self._catalog.label(request.model)
                    first = self._metrics.time_to_first_token.labels(label)
                    first.observe(self._clock.monotonic() - started)
                idle = self._settings.idle_timeout_seconds
                await emit(progress.add(chunk))
        await emit(progress.end())

    def _count(self, progress: CompletionProgress) -> None:
        usage = progress.usage()
        if usage:
            label = self._catalog.label(progress.request.model)
            self._metrics.tokens.labels(label, "prompt").inc(usage.prompt_tokens)
            self._metrics.tokens.labels(label, "completion").inc(usage.completion_tokens)
