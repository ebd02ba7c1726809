"""How processes hear of each other's events. It only makes things fast: the log is the truth.

Forms: `memory` (hubs of one process), `postgres` (NOTIFY).
"""

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from rustygpt_server.realtime.words import Word


class Ear(Protocol):
    """Who hears what other processes tell; never what its own process told."""

    def positions(self, numbers: Mapping[UUID, int]) -> None:
        """Conversations' logs go as far as these numbers."""

    def word(self, word: Word) -> None:
        """Something passing."""

    def returned(self) -> None:
        """The line is up, at first or again: whatever was told before was missed."""


class Backplane(Protocol):
    """A line to all other processes on the same database."""

    async def start(self, ear: Ear) -> None:
        """Begin to listen; a line that is not to be had yet is tried again and again."""

    async def stop(self) -> None:
        """Send what waits, if that is quick, and let go."""

    @property
    def hears(self) -> bool:
        """Whether the line is up."""

    def announce(self, conversation_id: UUID, number: int) -> None:
        """Tell how far a conversation's log goes, soon; of several numbers the last one."""

    def say(self, word: Word) -> None:
        """Tell something passing, soon; it is lost where nobody hears."""


class Unheard(Exception):
    """A packet could not be sent now."""
