"""Decides when the user's own typing is reported to the server."""

import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

NOTIFY_INTERVAL: Final = 4
"""Seconds between two reports while the user keeps typing."""
TYPING_TTL: Final = 10
"""Seconds one report lasts; longer than the interval, so that a slow network shows no gap."""


class TypingNotifier:
    """Reports the start of typing, repeats it every few seconds, and reports the end."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """Create a notifier; `now` is a monotonic clock in seconds."""
        self._now = now
        self._thread: UUID | None = None
        self._notified_at = 0.0

    def on_typed(self, thread: UUID, text: str) -> int | None:
        """Return how many seconds the user is to be shown as typing, None for no report.

        0 ends the indicator: the text was deleted.
        """
        if not text.strip():
            previous = self._thread
            self._thread = None
            return 0 if previous == thread else None
        if self._thread == thread and self._now() - self._notified_at < NOTIFY_INTERVAL:
            return None
        self._thread = thread
        self._notified_at = self._now()
        return TYPING_TTL

    def on_sent(self) -> None:
        """Forget the typing: the server ends the indicator when the message arrives."""
        self._thread = None
