"""How processes hear of each other's events. It only makes things fast: the log is the truth.

Forms: `memory` (hubs of one process), `postgres` (NOTIFY).
"""

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from rustygpt_server.realtime.backplane_messages import BackplaneMessage


class BackplaneListener(Protocol):
    """Who hears what other processes tell; never what its own process told."""

    def on_positions(self, numbers: Mapping[UUID, int]) -> None:
        """Conversations' logs go as far as these numbers."""

    def on_message(self, message: BackplaneMessage) -> None:
        """Something passing."""

    def on_connected(self) -> None:
        """The line is up, at first or again: whatever was told before was missed."""


class Backplane(Protocol):
    """A line to all other processes on the same database."""

    async def start(self, listener: BackplaneListener) -> None:
        """Begin to listen; a line that is not to be had yet is tried again and again."""

    async def stop(self) -> None:
        """Send what waits, if that is quick, and let go."""

    @property
    def connected(self) -> bool:
        """Whether the line is up."""

    def publish_position(self, conversation_id: UUID, number: int) -> None:
        """Tell how far a conversation's log goes, soon; of several numbers the last one."""

    def publish(self, message: BackplaneMessage) -> None:
        """Tell something passing, soon; it is lost where nobody hears."""


class PublishFailed(Exception):
    """A packet could not be sent now."""
