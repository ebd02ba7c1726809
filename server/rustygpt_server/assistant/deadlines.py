"""The time limits of one answer: to its first text, between texts, and from the first to the end.

Only text counts: comments and empty chunks keep the connection, not the answer. Time in the queue
has a limit of its own, in `answer_queue`.
"""

import asyncio
from collections.abc import AsyncIterator

from rustygpt_server.assistant.provider import CompletionChunk, ProviderError
from rustygpt_shared.settings import Llm


class Deadlines:
    """The limits of one request to a model, which begins now."""

    def __init__(self, settings: Llm) -> None:
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._started_at = self._loop.time()
        self._first_text_at: float | None = None
        self._last_text_at = 0.0

    async def next_chunk(self, chunks: AsyncIterator[CompletionChunk]) -> CompletionChunk | None:
        """Return the next chunk, None at the end; raise ProviderError at a limit."""
        at, words = self._next()
        try:
            async with asyncio.timeout_at(at):
                chunk = await anext(chunks, None)
        except TimeoutError:
            raise ProviderError(words, "timeout") from None
        if chunk is not None and (chunk.content or chunk.reasoning):
            self._last_text_at = self._loop.time()
            self._first_text_at = self._first_text_at or self._last_text_at
        return chunk

    def _next(self) -> tuple[float, str]:
        """Return the limit that comes first, and what it means."""
        settings = self._settings
        if self._first_text_at is None:
            seconds = settings.first_token_timeout_seconds
            return self._started_at + seconds, (
                f"The model did not begin to answer within {seconds} s; it may still be loading: "
                "ask again in a moment."
            )
        idle = settings.idle_timeout_seconds
        total = settings.timeout_seconds
        silent = f"The model sent no more text for {idle} s, so its answer breaks off; ask again."
        endless = f"The model wrote for {total} s and came to no end; ask for less."
        return min((self._last_text_at + idle, silent), (self._first_text_at + total, endless))
