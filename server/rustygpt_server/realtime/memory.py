"""The backplane between hubs of one process, for tests."""

import asyncio
from collections.abc import Callable
from uuid import UUID

from rustygpt_server.realtime.backplane import BackplaneListener
from rustygpt_server.realtime.backplane_messages import BackplaneMessage


class Bus:
    """Delivers what one backplane publishes to the listeners of all others."""

    def __init__(self) -> None:
        self._listeners: dict[MemoryBackplane, BackplaneListener] = {}

    def attach(self, backplane: "MemoryBackplane", listener: BackplaneListener) -> None:
        """Deliver to a listener what other backplanes publish."""
        self._listeners[backplane] = listener

    def detach(self, backplane: "MemoryBackplane") -> None:
        """Stop to deliver to a backplane's listener."""
        self._listeners.pop(backplane, None)

    def broadcast(
        self, sender: "MemoryBackplane", call: Callable[[BackplaneListener], None]
    ) -> None:
        """Call every other listener in a later iteration of the event loop, as a network would."""
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
    """The backplane of one hub, connected to a bus; without one it reaches no other hub."""

    def __init__(self, bus: Bus | None = None) -> None:
        self._bus = bus or Bus()
        self._connected = False

    async def start(self, listener: BackplaneListener) -> None:
        """Connect to the bus."""
        self._bus.attach(self, listener)
        self._connected = True
        listener.on_connected()

    async def stop(self) -> None:
        """Disconnect from the bus."""
        self._connected = False
        self._bus.detach(self)

    @property
    def connected(self) -> bool:
        """True between `start` and `stop`."""
        return self._connected

    def publish_position(self, conversation_id: UUID, number: int) -> None:
        """Publish the last event number of a conversation."""
        self._bus.broadcast(self, lambda listener: listener.on_positions({conversation_id: number}))

    def publish(self, message: BackplaneMessage) -> None:
        """Publish a transient message."""
        self._bus.broadcast(self, lambda listener: listener.on_message(message))
