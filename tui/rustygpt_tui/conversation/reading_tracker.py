"""Decides which messages were seen: their rows were on screen for a moment, while it had the focus.

Pure bookkeeping with a clock that is passed in; what is on screen comes from the transcript.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID


class VisibleMessage(Protocol):
    """A message of which rows are on screen."""

    @property
    def id(self) -> UUID:
        """The message's id."""

    @property
    def top_visible(self) -> bool:
        """True when its first row of text is on screen."""

    @property
    def bottom_visible(self) -> bool:
        """True when its last row of text is on screen."""


@dataclass
class ReadingTracker:
    """Watches what is on screen in one thread.

    A message is seen when its first and its last row were each on screen for `moment` seconds
    without a break; a message that is taller than the screen is seen after it was scrolled through.
    """

    moment: float
    """Seconds."""
    _since: dict[tuple[UUID, bool], float] = field(default_factory=dict)
    """Since when a first row (False) or a last row (True) is on screen."""
    _shown: set[tuple[UUID, bool]] = field(default_factory=set)
    """The rows that were on screen for a moment."""

    def reset(self) -> None:
        """Forget everything: another thread is shown."""
        self._since.clear()
        self._shown.clear()

    def pause(self) -> None:
        """Stop watching: the screen lost the focus or is covered."""
        self._since.clear()

    def watch(self, visible: Iterable[VisibleMessage], now: float) -> list[UUID]:
        """Return the messages that are seen, of those on screen at the time `now`.

        A message is returned as long as it is on screen, as its mark may move back meanwhile.
        """
        rows = [(v.id, end) for v in visible for end in (False, True) if _is_shown(v, end=end)]
        self._since = {row: self._since.get(row, now) for row in rows}
        self._shown |= {r for r, since in self._since.items() if now - since >= self.moment}
        on_screen = dict.fromkeys(id_ for id_, _ in rows)
        return [id_ for id_ in on_screen if {(id_, False), (id_, True)} <= self._shown]

    def next_change(self, now: float) -> float | None:
        """Return the seconds until another row was on screen for a moment; None for never."""
        waiting = [since for row, since in self._since.items() if row not in self._shown]
        return max(0.0, min(waiting) + self.moment - now) if waiting else None


def _is_shown(message: VisibleMessage, *, end: bool) -> bool:
    return message.bottom_visible if end else message.top_visible
