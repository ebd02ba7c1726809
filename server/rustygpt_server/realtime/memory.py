"""The backplane within one process: several hubs on one bus, or one hub alone on its own."""

import asyncio
from collections.abc import Callable
from uuid import UUID

from rustygpt_server.realtime.backplane import BackplaneListener
from rustygpt_server.realtime.backplane_messages import BackplaneMessage


class Bus:
    """Hands on what one of its backplanes tells to the ears of the others."""

    def __init__(self) -> None:
        self._listeners: dict[MemoryBackplane, BackplaneListener] = {}

    def attach(self, backplane: "MemoryBackplane", listener: BackplaneListener) -> None:
        """Let somebody hear the others."""
        self._listeners[backplane] = listener

    def detach(self, backplane: "MemoryBackplane") -> None:
        """Let somebody hear no more."""
        self._listeners.pop(backplane, None)

    def broadcast(
        self, sender: "MemoryBackplane", call: Callable[[BackplaneListener], None]
    ) -> None:
        """Call every other ear, in a later turn of the loop: as lines between processes do."""
        for other in self._listeners:
            if other is not sender:
                asyncio.get_running_loop().call_soon(self._deliver, other, call)

    def _deliver(
        self, receiver: "MemoryBackplane", call: Callable[[BackplaneListener], None]
    ) -> None:
        listener = self._listeners.get(receiver)
        if listener is not None:
            call(listener)


class MemoryBackplane:
    """One hub's place on a bus."""

    def __init__(self, bus: Bus | None = None) -> None:
        self._bus = bus or Bus()
        self._connected = False

    async def start(self, listener: BackplaneListener) -> None:
        """Join the bus."""
        self._bus.attach(self, listener)
        self._connected = True
        listener.on_connected()

    async def stop(self) -> None:
        """Leave the bus."""
        self._connected = False
        self._bus.detach(self)

    @property
    def connected(self) -> bool:
        """Whether it is on the bus."""
        return self._connected

    def publish_position(self, conversation_id: UUID, number: int) -> None:
        """Tell how far a conversation's log goes."""
        self._bus.broadcast(self, lambda ear: ear.on_positions({conversation_id: number}))

    def publish(self, message: BackplaneMessage) -> None:
        """Tell something passing."""
        self._bus.broadcast(self, lambda ear: ear.on_message(message))
