"""The outgoing queue of a backplane: what is published while packets are sent goes out together.

Packets are sent one statement at a time and without a fixed delay: a quiet server sends at once, a
busy one in bulk.
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
"""The longest queue of messages; beyond it the oldest are dropped. Positions are never dropped."""
RETRY_SECONDS: Final = 0.5
STOP_SECONDS: Final = 0.5

Send = Callable[[list[str]], Awaitable[None]]
"""Sends packets in order; raises PublishFailed."""


class BackplaneSender:
    """Queues and sends the packets of one process."""

    def __init__(self, sender_id: str, send: Send, clock: Clock) -> None:
        self._sender_id = sender_id
        self._send = send
        self._clock = clock
        self._positions: dict[UUID, int] = {}
        self._messages: deque[bytes] = deque(maxlen=MAX_QUEUED)
        self._task: asyncio.Task[None] | None = None

    def publish_position(self, conversation_id: UUID, number: int) -> None:
        """Queue a position; of several of one conversation the highest is sent."""
        self._positions[conversation_id] = max(number, self._positions.get(conversation_id, 0))
        self._ensure_running()

    def publish(self, message: BackplaneMessage) -> None:
        """Queue a message."""
        self._messages.extend(encode_message(message))
        self._ensure_running()

    async def stop(self) -> None:
        """Wait up to STOP_SECONDS for what is queued, and stop."""
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
        except Exception:  # noqa: BLE001 - a task's boundary: the next message starts it again
            _log.error("sending to other processes failed", exc_info=True)
        finally:
            self._task = None

    async def _send_all(self) -> None:
        positions = self._positions
        self._positions = {}
        messages = list(self._messages)
        self._messages.clear()
        try:
            await self._send(pack(self._sender_id, positions, messages))
        except PublishFailed as error:
            # Messages would be out of date by the next attempt; receivers do without them.
            _log.warning(
                "could not send to other processes", reason=str(error), messages=len(messages)
            )
            for conversation_id, number in positions.items():
                later = self._positions.get(conversation_id, 0)
                self._positions[conversation_id] = max(number, later)
            await self._clock.sleep(RETRY_SECONDS)
