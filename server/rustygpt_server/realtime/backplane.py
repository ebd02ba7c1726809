"""The interface of the backplane, which carries positions and messages between processes.

The backplane only reduces latency: the event log in PostgreSQL is the truth, and everything that a
backplane loses is read from there or expires. Implementations: `memory` (hubs within one process)
and `pubsub` over `postgres` (NOTIFY) or `redis`. What the messages mean is in `backplane_messages`.
"""

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from rustygpt_server.realtime.backplane_messages import BackplaneMessage


class BackplaneListener(Protocol):
    """Receives what other processes publish, never what its own process published."""

    def on_positions(self, numbers: Mapping[UUID, int]) -> None:
        """Receive event numbers that the logs of conversations have reached."""

    def on_message(self, message: BackplaneMessage) -> None:
        """Receive a transient message."""

    def on_connected(self) -> None:
        """Note that the connection is up, for the first time or again: messages may be missing."""


class Backplane(Protocol):
    """The connection to all other processes that use the same database."""

    async def start(self, listener: BackplaneListener) -> None:
        """Start to listen; a connection that fails is tried again until `stop`."""

    async def stop(self) -> None:
        """Send what is queued, within a fraction of a second, and disconnect."""

    @property
    def connected(self) -> bool:
        """True while messages of other processes can be received."""

    def publish_position(self, conversation_id: UUID, number: int) -> None:
        """Publish the last event number of a conversation soon; a later number replaces it."""

    def publish(self, message: BackplaneMessage) -> None:
        """Publish a transient message soon; processes that are not connected miss it."""


class PublishFailed(Exception):
    """Packets could not be sent now."""
