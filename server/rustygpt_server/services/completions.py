"""Completions for programs: text that a model generates and that is stored nowhere.

Their usage is recorded. Those that are stored in a conversation are in `stored_completions`.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID, uuid4

from msgspec import Struct

from rustygpt_server.assistant.budget import TokenBudgets
from rustygpt_server.assistant.completions import (
    Authorize,
    CompletionGenerator,
    CompletionInput,
    CompletionProgress,
)
from rustygpt_server.assistant.provider import CompletionChunk, ContextExceeded, ProviderError
from rustygpt_server.db import usage
from rustygpt_server.db.database import Database
from rustygpt_server.errors import ModelFailed, RequestError
from rustygpt_server.runtime import Runtime
from rustygpt_server.telemetry import log
from rustygpt_shared.chat_completions import StoredPlace
from rustygpt_shared.models.messages import Usage
from rustygpt_shared.settings import Settings

_log = log(__name__)

QUEUED_CHUNKS: Final = 4
"""How many chunks wait for a reader; then its model waits."""
_GRACE_SECONDS: Final = 30


class CompletionEnd(Struct, frozen=True):
    """The regular end of a completion."""

    finish_reason: str
    """`stop` or `length`."""
    usage: Usage


CompletionPart = CompletionChunk | CompletionEnd


class Completion(Protocol):
    """A completion that is being generated."""

    id: str
    created: datetime
    place: StoredPlace | None
    """Where it is stored, if it is."""

    async def next(self, seconds: float) -> CompletionPart | None:
        """Return the next part; None after `seconds` of silence. Raises RequestError."""

    async def close(self) -> None:
        """End the reading, also before its end."""


class GeneratedCompletion:
    """A completion of which nothing is stored; it ends when its reader leaves."""

    def __init__(
        self,
        generator: CompletionGenerator,
        actor: UUID,
        request: CompletionInput,
        created: datetime,
        authorize: Authorize,
        on_usage: Callable[[Usage | None], asyncio.Future[None]],
    ) -> None:
        """`authorize` is called before the model.

        `on_usage` begins to record the usage, at the end or when it is stopped.
        """
        self.id = f"chatcmpl-{uuid4().hex}"
        self.created = created
        self.place: StoredPlace | None = None
        self._generator = generator
        self._actor = actor
        self._progress = CompletionProgress(request)
        self._authorize = authorize
        self._on_usage = on_usage
        self._queue: asyncio.Queue[CompletionPart | RequestError] = asyncio.Queue(QUEUED_CHUNKS)
        self._task = asyncio.create_task(self._run())

    async def next(self, seconds: float) -> CompletionPart | None:
        """Return the next part; None after `seconds` of silence. Raises RequestError."""
        try:
            async with asyncio.timeout(seconds):
                part = await self._queue.get()
        except TimeoutError:
            return None
        if isinstance(part, RequestError):
            raise part
        return part

    def stop(self, error: ModelFailed) -> None:
        """Stop the model; the reader gets the error."""
        self._task.cancel()
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(error)

    async def close(self) -> None:
        """Stop the model, if it is not at its end."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        outcome: CompletionEnd | RequestError
        try:
            await self._generator.generate(self._progress, self._actor, self._emit, self._authorize)
        except ContextExceeded as error:
            outcome = ModelFailed(error.detail, "context_length_exceeded")
        except ProviderError as error:
            outcome = ModelFailed(error.detail, error.code)
        except RequestError as error:
            outcome = error
        except asyncio.CancelledError:
            self._progress.stop()
            self._on_usage(self._progress.usage())
            raise
        except Exception:  # noqa: BLE001 - a task's boundary: the reader gets an error
            _log.error("a completion failed", exc_info=True)
            outcome = ModelFailed("The server failed; ask again.", "internal")
        else:
            used = self._progress.usage() or Usage(0, 0, 0)
            outcome = CompletionEnd(self._progress.finish_reason or "stop", used)
        await asyncio.shield(self._on_usage(self._progress.usage()))
        await self._queue.put(outcome)

    async def _emit(self, chunk: CompletionChunk) -> None:
        if chunk.content or chunk.reasoning:
            await self._queue.put(chunk)


class Completions:
    """Generates completions, and records their usage."""

    def __init__(
        self,
        db: Database,
        generator: CompletionGenerator,
        budgets: TokenBudgets,
        settings: Settings,
        runtime: Runtime,
    ) -> None:
        self.silence_seconds: float = settings.sse.heartbeat_seconds
        """After this much silence a stream needs a comment."""
        self.longest_seconds: float = sum(
            (
                runtime.limits.queue_wait,
                settings.llm.first_token_timeout_seconds,
                settings.llm.timeout_seconds,
                _GRACE_SECONDS,
            )
        )
        """How long a completion takes at most, with the wait for its turn."""
        self._db = db
        self._generator = generator
        self._budgets = budgets
        self._clock = runtime.clock
        self._open: set[GeneratedCompletion] = set()
        self._recording: set[asyncio.Future[None]] = set()
        self._is_stopping = False

    async def authorize(self, actor: UUID) -> None:
        """Raise Forbidden for an account that only reads, BudgetUsedUp without a budget left."""
        await self._budgets.authorize_completion(actor)

    async def complete(self, actor: UUID, request: CompletionInput) -> GeneratedCompletion:
        """Begin a completion; it has to be closed. Raises as `authorize`, and ModelFailed."""
        if self._is_stopping:
            raise _shutting_down()
        await self.authorize(actor)

        def record(used: Usage | None) -> asyncio.Future[None]:
            self._open.discard(completion)
            recording = asyncio.ensure_future(self._record(actor, request.model, used))
            self._recording.add(recording)
            recording.add_done_callback(self._recording.discard)
            return recording

        now = self._clock.now()
        completion = GeneratedCompletion(
            self._generator, actor, request, now, lambda: self.authorize(actor), record
        )
        self._open.add(completion)
        return completion

    async def stop(self) -> None:
        """End all completions, because the server shuts down, and wait for their usage."""
        self._is_stopping = True
        completions = list(self._open)
        for completion in completions:
            completion.stop(_shutting_down())
        await asyncio.gather(*(completion.close() for completion in completions))
        if self._recording:
            await asyncio.wait(self._recording)

    async def _record(self, actor: UUID, model: str, used: Usage | None) -> None:
        if used is None:
            return
        try:
            await usage.record_usage(self._db, actor, model, used, self._clock.now())
        except RequestError as error:
            _log.warning("the usage of a completion was not recorded", reason=str(error))


def _shutting_down() -> ModelFailed:
    return ModelFailed("The server is shutting down; try again in a moment.", "shutdown")
