"""A backplane over some wire that carries text: what all such wires have in common."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, TypeVar
from uuid import UUID

import msgspec

from rustygpt_server.clock import Clock
from rustygpt_server.realtime.backplane import Ear
from rustygpt_server.realtime.outgoing import Outgoing
from rustygpt_server.realtime.words import Word, unpack
from rustygpt_server.telemetry import Metrics, log

_log = log(__name__)

T = TypeVar("T")

START_SECONDS = 3.0


class Wire(Protocol):
    """What carries packets between processes."""

    up: asyncio.Event
    """Set while it can be heard."""

    async def run(self, on_data: Callable[[str], None], on_up: Callable[[], None]) -> None:
        """Listen until cancelled, again and again: `on_up` each time that it begins."""

    async def send(self, packets: list[str]) -> None:
        """Send packets in order; raises Unheard."""


class WiredBackplane:
    """One process's line to the others; `instance` tells its own packets from theirs."""

    def __init__(self, wire: Wire, instance: str, clock: Clock, metrics: Metrics) -> None:
        self._wire = wire
        self._instance = instance
        self._metrics = metrics
        self._outgoing = Outgoing(instance, self._send, clock)
        self._ear: Ear | None = None
        self._listening: asyncio.Task[None] | None = None

    async def start(self, ear: Ear) -> None:
        """Listen; waits a moment for the line, and goes on without it."""
        self._ear = ear
        self._listening = asyncio.create_task(self._wire.run(self._take, ear.returned))
        with suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                await self._wire.up.wait()

    async def stop(self) -> None:
        """Send what waits, and hang up."""
        await self._outgoing.stop()
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening

    @property
    def hears(self) -> bool:
        """Whether the line is up."""
        return self._wire.up.is_set()

    def announce(self, conversation_id: UUID, number: int) -> None:
        """Tell how far a conversation's log goes."""
        self._outgoing.announce(conversation_id, number)

    def say(self, word: Word) -> None:
        """Tell something passing."""
        self._outgoing.say(word)

    async def _send(self, packets: list[str]) -> None:
        await self._wire.send(packets)
        self._metrics.packets.labels("out").inc(len(packets))

    def _take(self, data: str) -> None:
        try:
            packet = unpack(data)
        except msgspec.MsgspecError:
            _log.warning("a packet that is none of ours", size=len(data))
            return
        if packet.sender == self._instance or self._ear is None:
            return
        self._metrics.packets.labels("in").inc()
        if packet.positions:
            self._hear(self._ear.positions, packet.positions)
        for word in packet.words:
            self._hear(self._ear.word, word)

    def _hear(self, ear: Callable[[T], None], what: T) -> None:
        try:
            ear(what)
        except Exception:  # noqa: BLE001 - a task's boundary: one bad word must not make deaf
            _log.error("what another process told could not be followed", exc_info=True)
