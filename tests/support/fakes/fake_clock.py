"""A clock that tests move."""

import asyncio
from datetime import UTC, datetime, timedelta


class FakeClock:
    """A clock that stands still until it is moved, and then wakes the sleepers that are due."""

    __test__ = False

    def __init__(self, now: datetime = datetime(2026, 1, 1, 12, 0, 0, 1, UTC)) -> None:
        self._now = now
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def now(self) -> datetime:
        """Return the time of day in UTC."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds since the clock was created."""
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was advanced by `seconds`."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        event = asyncio.Event()
        self._sleepers.append((self._elapsed + seconds, event))
        await event.wait()

    def is_awaited(self, seconds: float) -> bool:
        """Return whether someone waits for the moment that comes in `seconds`."""
        return any(due == self._elapsed + seconds for due, _ in self._sleepers)

    def jump(self, seconds: float) -> None:
        """Change the time of day without letting time pass."""
        self._now += timedelta(seconds=seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        self._elapsed += seconds
        due = [sleeper for sleeper in self._sleepers if sleeper[0] <= self._elapsed]
        self._sleepers = [sleeper for sleeper in self._sleepers if sleeper not in due]
        for _, event in due:
            event.set()
