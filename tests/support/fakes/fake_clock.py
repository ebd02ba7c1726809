"""A clock that tests move."""

import asyncio
from datetime import UTC, datetime, timedelta


class FakeClock:
    """Stands still until it is moved; sleepers wake when their time has come."""

    __test__ = False

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 1, 12, 0, 0, 1, UTC)
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was moved so far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        event = asyncio.Event()
        self._sleepers.append((self._elapsed + seconds, event))
        await event.wait()

    def jump(self, seconds: float) -> None:
        """Set the time of day to another one; no time passes by it."""
        self._now += timedelta(seconds=seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        self._elapsed += seconds
        due = [sleeper for sleeper in self._sleepers if sleeper[0] <= self._elapsed]
        self._sleepers = [sleeper for sleeper in self._sleepers if sleeper not in due]
        for _, event in due:
            event.set()
