"""Message text as HTML for routes: from the cache, else from the pool, else as it was written.

The response never waits for longer than `PAGE_SECONDS`. A message that used up its processor time
is kept as preformatted text, so that it costs that time once and not once for each reader. One that
was not rendered for another reason is tried again after `RETRY_SECONDS`.
"""

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial
from hashlib import blake2b
from typing import Final
from uuid import UUID

from rustygpt_server.clock import Clock
from rustygpt_server.rendering.cache import HtmlCache, Key
from rustygpt_server.rendering.plain import preformatted
from rustygpt_server.rendering.pool import Outcome, RenderPool
from rustygpt_server.telemetry import Metrics

PAGE_SECONDS: Final = 3.0
"""How long the messages of one response are waited for once the processes run."""
RETRY_SECONDS: Final = 10.0
PAGE_CHARACTERS: Final = 8 * 1024 * 1024
"""How much HTML one response has; messages beyond it come as they were written."""

Source = tuple[UUID, str]
"""The id and the text of a message."""


class Renderer:
    """Renders messages beside the event loop."""

    def __init__(
        self,
        pool: RenderPool,
        clock: Clock,
        metrics: Metrics,
        page_seconds: float = PAGE_SECONDS,
        page_characters: int = PAGE_CHARACTERS,
    ) -> None:
        self.pool = pool
        self.cache = HtmlCache(clock)
        self._metrics = metrics
        self._page_seconds = page_seconds
        self._page_characters = page_characters
        self._in_flight: dict[tuple[UUID, Key], asyncio.Future[Outcome]] = {}
        """By reader: nobody waits for a message in the queue of another reader."""

    async def render(self, reader: UUID, sources: Sequence[Source]) -> list[str]:
        """Return the sanitised HTML of messages for a reader, in the same order."""
        keys = [_key(source) for source in sources]
        html: dict[Key, str] = {}
        missing: dict[Key, str] = {}
        for key, (_, text) in zip(keys, sources, strict=True):
            cached = self.cache.get(key)
            if cached is None:
                missing[key] = text
            else:
                html[key] = cached
        self._metrics.renderings.labels("cached").inc(len(html))
        if missing:
            html.update(await self._render(reader, missing))
        return self._bounded(
            (html[key], text) for key, (_, text) in zip(keys, sources, strict=True)
        )

    async def close(self) -> None:
        """End the processes."""
        await self.pool.close()

    def _bounded(self, messages: Iterable[tuple[str, str]]) -> list[str]:
        """Return the HTML of each (HTML, text), as written where it is more than a response has."""
        left = self._page_characters
        result = []
        for html, text in messages:
            result.append(html if len(html) <= left else preformatted(text))
            left -= len(result[-1])
        return result

    async def _render(self, reader: UUID, texts: dict[Key, str]) -> dict[Key, str]:
        futures = self._futures(reader, texts)
        await self.pool.wait_until_started()
        await asyncio.wait(futures.values(), timeout=self._page_seconds)
        html: dict[Key, str] = {}
        for key, future in futures.items():
            rendered = future.result().html if future.done() else None
            html[key] = preformatted(texts[key]) if rendered is None else rendered
        return html

    def _futures(self, reader: UUID, texts: dict[Key, str]) -> dict[Key, "asyncio.Future[Outcome]"]:
        """Return the outcomes of messages, those that another request waits for included."""
        new = [key for key in texts if (reader, key) not in self._in_flight]
        outcomes = self.pool.submit([texts[key] for key in new], reader)
        for key, outcome in zip(new, outcomes, strict=True):
            self._in_flight[reader, key] = outcome
            outcome.add_done_callback(partial(self._keep, reader, key, texts[key]))
        return {key: self._in_flight[reader, key] for key in texts}

    def _keep(self, reader: UUID, key: Key, text: str, done: "asyncio.Future[Outcome]") -> None:
        del self._in_flight[reader, key]
        outcome = done.result()
        if outcome.html is not None:
            self._metrics.renderings.labels("rendered").inc()
            self.cache.put(key, outcome.html)
        elif outcome.is_final:
            self._metrics.renderings.labels("too slow").inc()
            self.cache.put(key, preformatted(text))
        else:
            self._metrics.renderings.labels("not in time").inc()
            self.cache.put(key, preformatted(text), RETRY_SECONDS)


def _key(source: Source) -> Key:
    message_id, text = source
    return message_id, blake2b(text.encode(), digest_size=16).digest()
