"""A backplane over some wire that carries text: what all such wires have in common."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, TypeVar
from uuid import UUID

import msgspec

from rustygpt_server.realtime.backplane import BackplaneListener
from rustygpt_server.realtime.backplane_messages import BackplaneMessage, unpack
from rustygpt_server.realtime.sender import BackplaneSender
from rustygpt_server.runtime import Runtime
from rustygpt_server.telemetry import log

_log = log(__name__)

T = TypeVar("T")

START_SECONDS = 3.0


class PubSubTransport(Protocol):
    """What carries packets between processes."""

    connected: asyncio.Event
    """Set while it can be heard."""

    async def run(self, on_data: Callable[[str], None], on_connected: Callable[[], None]) -> None:
        """Listen until cancelled, again and again: `on_up` each time that it begins."""

    async def send(self, packets: list[str]) -> None:
        """Send packets in order; raises Unheard."""


class PubSubBackplane:
    """One process's line to the others; `instance` tells its own packets from theirs."""

    def __init__(self, transport: PubSubTransport, instance_id: str, runtime: Runtime) -> None:
        self._transport = transport
        self._instance_id = instance_id
        self._metrics = runtime.metrics
        self._sender = BackplaneSender(instance_id, self._send, runtime.clock)
        self._listener: BackplaneListener | None = None
        self._listening: asyncio.Task[None] | None = None

    async def start(self, listener: BackplaneListener) -> None:
        """Listen; waits a moment for the line, and goes on without it."""
        self._listener = listener
        self._listening = asyncio.create_task(
            self._transport.run(self._on_packet, listener.on_connected)
        )
        with suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                await self._transport.connected.wait()

    async def stop(self) -> None:
        """Send what waits, and hang up."""
        await self._sender.stop()
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening

    @property
    def connected(self) -> bool:
        """Whether the line is up."""
        return self._transport.connected.is_set()

    def publish_position(self, conversation_id: UUID, number: int) -> None:
        """Tell how far a conversation's log goes."""
        self._sender.publish_position(conversation_id, number)

    def publish(self, message: BackplaneMessage) -> None:
        """Tell something passing."""
        self._sender.publish(message)

    async def _send(self, packets: list[str]) -> None:
        await self._transport.send(packets)
        self._metrics.packets.labels("out").inc(len(packets))

    def _on_packet(self, data: str) -> None:
        try:
            packet = unpack(data)
        except msgspec.MsgspecError:
            _log.warning("a packet that is none of ours", size=len(data))
            return
        if packet.sender == self._instance_id or self._listener is None:
            return
        self._metrics.packets.labels("in").inc()
        if packet.positions:
            self._dispatch(self._listener.on_positions, packet.positions)
        for message in packet.messages:
            self._dispatch(self._listener.on_message, message)

    def _dispatch(self, handler: Callable[[T], None], item: T) -> None:
        try:
            handler(item)
        except Exception:  # noqa: BLE001 - a task's boundary: one bad word must not make deaf
            _log.error("what another process told could not be followed", exc_info=True)
