"""Marks of who is there, and when one's own writing is told."""

import time
from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from rustygpt_shared.models.presence import Status

HEARTBEAT_SECONDS: Final = 30
NOTIFY_INTERVAL: Final = 4
TYPING_TTL: Final = 10
"""Longer than it takes until it is told again, so that a slow line makes nobody flicker."""
PRESENCE_MARKERS: Final[Mapping[Status, tuple[str, str]]] = {
    "online": ("● ", "$text-success"),
    "away": ("○ ", "$text-warning"),
    "offline": ("  ", ""),
}
"""Shape and colour: neither alone has to be told apart."""


class TypingNotifier:
    """What others are told of one's own writing: at its begin, every few seconds, at its end."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._thread: UUID | None = None
        self._notified_at = 0.0

    def on_typed(self, thread: UUID, text: str) -> int | None:
        """For how many seconds one is to be shown as writing; None when nothing is to be told."""
        if not text.strip():
            before, self._thread = self._thread, None
            return 0 if before == thread else None
        if self._thread == thread and self._now() - self._notified_at < NOTIFY_INTERVAL:
            return None
        self._thread, self._notified_at = thread, self._now()
        return TYPING_TTL

    def on_sent(self) -> None:
        """What was written is on its way: its arrival ends the turn."""
        self._thread = None
