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
from rustygpt_server.realtime.backplane import PublishFailed
from rustygpt_server.realtime.backplane_messages import BackplaneMessage, encode_message, pack
from rustygpt_server.telemetry import log

_log = log(__name__)

MAX_QUEUED: Final = 4_096
"""Beyond so many waiting words the oldest are dropped; positions are never."""
RETRY_SECONDS: Final = 0.5
STOP_SECONDS: Final = 0.5

Send = Callable[[list[str]], Awaitable[None]]
"""Sends packets, in order; raises Unheard when it cannot."""


class BackplaneSender:
    """The packets of one process."""

    def __init__(self, sender_id: str, send: Send, clock: Clock) -> None:
        self._sender_id = sender_id
        self._send = send
        self._clock = clock
        self._positions: dict[UUID, int] = {}
        self._messages: deque[bytes] = deque(maxlen=MAX_QUEUED)
        self._task: asyncio.Task[None] | None = None

    def publish_position(self, conversation_id: UUID, number: int) -> None:
        """Send a position; of several of one conversation the last one."""
        self._positions[conversation_id] = max(number, self._positions.get(conversation_id, 0))
        self._ensure_running()

    def publish(self, message: BackplaneMessage) -> None:
        """Send a word."""
        self._messages.extend(encode_message(message))
        self._ensure_running()

    async def stop(self) -> None:
        """Give what waits a moment to go out."""
        task = self._task
        if task is None:
            return
        await asyncio.wait([task], timeout=STOP_SECONDS)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    def _ensure_running(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._positions or self._messages:
                await self._send_all()
        except Exception:  # noqa: BLE001 - a task's boundary: the next word starts it again
            _log.error("telling other processes failed", exc_info=True)
        finally:
            self._task = None

    async def _send_all(self) -> None:
        positions, messages = self._positions, list(self._messages)
        self._positions = {}
        self._messages.clear()
        try:
            await self._send(pack(self._sender_id, positions, messages))
        except PublishFailed as error:
            # Words would come too late to be of use; whoever misses them makes up for it.
            _log.warning("other processes were not told", reason=str(error), words=len(messages))
            for conversation_id, number in positions.items():
                later = self._positions.get(conversation_id, 0)
                self._positions[conversation_id] = max(number, later)
            await self._clock.sleep(RETRY_SECONDS)
