"""What a process has to tell the others: gathered while the packet before it is on its way.

One sending at a time, and no fixed delay: a quiet server sends at once, a busy one in bulk.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final
from uuid import UUID

from rustygpt_server.clock import Clock
from rustygpt_server.realtime.backplane import Unheard
from rustygpt_server.realtime.words import Word, encode_word, pack
from rustygpt_server.telemetry import log

_log = log(__name__)

WORDS_KEPT: Final = 4_096
"""Beyond so many waiting words the oldest are dropped; positions are never."""
RETRY_SECONDS: Final = 0.5
STOP_SECONDS: Final = 1.0

Send = Callable[[list[str]], Awaitable[None]]
"""Sends packets, in order; raises Unheard when it cannot."""


class Outgoing:
    """The packets of one process."""

    def __init__(self, sender: str, send: Send, clock: Clock) -> None:
        self._sender = sender
        self._send = send
        self._clock = clock
        self._positions: dict[UUID, int] = {}
        self._words: deque[bytes] = deque(maxlen=WORDS_KEPT)
        self._task: asyncio.Task[None] | None = None

    def announce(self, conversation_id: UUID, number: int) -> None:
        """Send a position; of several of one conversation the last one."""
        self._positions[conversation_id] = max(number, self._positions.get(conversation_id, 0))
        self._wake()

    def say(self, word: Word) -> None:
        """Send a word."""
        self._words.extend(encode_word(word))
        self._wake()

    async def stop(self) -> None:
        """Give what waits a moment to go out."""
        task = self._task
        if task is None:
            return
        await asyncio.wait([task], timeout=STOP_SECONDS)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    def _wake(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._positions or self._words:
                await self._send_all()
        except Exception:  # noqa: BLE001 - a task's boundary: the next word starts it again
            _log.error("telling other processes failed", exc_info=True)
        finally:
            self._task = None

    async def _send_all(self) -> None:
        positions, words = self._positions, list(self._words)
        self._positions = {}
        self._words.clear()
        try:
            await self._send(pack(self._sender, positions, words))
        except Unheard as error:
            # Words would come too late to be of use; whoever misses them makes up for it.
            _log.warning("other processes were not told", reason=str(error), words=len(words))
            for conversation_id, number in positions.items():
                later = self._positions.get(conversation_id, 0)
                self._positions[conversation_id] = max(number, later)
            await self._clock.sleep(RETRY_SECONDS)
