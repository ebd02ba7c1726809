"""The system's clock, and the default time limits."""

import asyncio
from datetime import UTC

import msgspec

from rustygpt_server.clock import SystemClock, TimeLimits


async def test_the_system_clock_moves_forward() -> None:
    """The time of day is in UTC, and the monotonic time never jumps."""
    clock = SystemClock()
    time_before = clock.now()
    started_at = clock.monotonic()
    await clock.sleep(0.01)

    assert time_before.tzinfo is UTC
    assert clock.now() > time_before
    assert clock.monotonic() - started_at >= 0.009


async def test_a_sleep_can_be_cancelled() -> None:
    """A cancelled background task ends at once."""
    task = asyncio.create_task(SystemClock().sleep(60))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task], timeout=1)

    assert task.cancelled()


def test_time_limits_are_consistent() -> None:
    """A lease outlives two renewals, and a shutdown takes less than 10 s."""
    limits = TimeLimits()

    assert all(value > 0 for value in msgspec.structs.asdict(limits).values())
    assert limits.lease >= 2 * limits.lease_renewal
    assert 3 * limits.shutdown_grace + 2 < 10
