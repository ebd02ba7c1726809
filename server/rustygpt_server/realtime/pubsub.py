"""The backplane over a pub/sub transport that carries text: PostgreSQL or Redis."""

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
"""How long `start` waits for the connection."""


class PubSubTransport(Protocol):
    """Carries packets between processes."""

    connected: asyncio.Event
    """Set while packets of other processes can be received."""

    async def run(self, on_data: Callable[[str], None], on_connected: Callable[[], None]) -> None:
        """Listen until cancelled, and reconnect; call `on_connected` after each connection."""

    async def send(self, packets: list[str]) -> None:
        """Send packets in order; raises PublishFailed."""


class PubSubBackplane:
    """The backplane of one process; `instance_id` distinguishes its own packets from others'."""

    def __init__(self, transport: PubSubTransport, instance_id: str, runtime: Runtime) -> None:
        self._transport = transport
        self._instance_id = instance_id
        self._metrics = runtime.metrics
        self._sender = BackplaneSender(instance_id, self._send, runtime.clock)
        self._listener: BackplaneListener | None = None
        self._listening: asyncio.Task[None] | None = None

    async def start(self, listener: BackplaneListener) -> None:
        """Start to listen; wait up to START_SECONDS for the connection, and go on without it."""
        self._listener = listener
        self._listening = asyncio.create_task(
            self._transport.run(self._on_packet, listener.on_connected)
        )
        with suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                await self._transport.connected.wait()

    async def stop(self) -> None:
        """Send what is queued, and disconnect."""
        await self._sender.stop()
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening

    @property
    def connected(self) -> bool:
        """True while messages of other processes can be received."""
        return self._transport.connected.is_set()

    def publish_position(self, conversation_id: UUID, number: int) -> None:
        """Publish the last event number of a conversation."""
        self._sender.publish_position(conversation_id, number)

    def publish(self, message: BackplaneMessage) -> None:
        """Publish a transient message."""
        self._sender.publish(message)

    async def _send(self, packets: list[str]) -> None:
        await self._transport.send(packets)
        self._metrics.packets.labels("out").inc(len(packets))

    def _on_packet(self, data: str) -> None:
        try:
            packet = unpack(data)
        except msgspec.MsgspecError:
            _log.warning("ignored a backplane packet that cannot be decoded", size=len(data))
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
        except Exception:  # noqa: BLE001 - a task's boundary: one bad message must not end listening
            _log.error("a backplane message could not be handled", exc_info=True)
