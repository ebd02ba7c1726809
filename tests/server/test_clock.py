"""The clock."""

import asyncio
from datetime import UTC

import msgspec

from rustygpt_server.clock import SystemClock, TimeLimits


async def test_the_systems_clock_goes_forward() -> None:
    """In UTC, and by spans that never jump."""
    clock = SystemClock()
    before, started = clock.now(), clock.monotonic()
    await clock.sleep(0.01)

    assert before.tzinfo is UTC
    assert clock.now() > before
    assert clock.monotonic() - started >= 0.009


async def test_sleeping_can_be_cut() -> None:
    """A chore that sleeps is ended at once."""
    task = asyncio.create_task(SystemClock().sleep(60))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task], timeout=1)

    assert task.cancelled()


def test_limits_fit_each_other() -> None:
    """Leases outlive their renewal, and stopping ends in ten seconds whatever hangs."""
    limits = TimeLimits()

    assert all(value > 0 for value in msgspec.structs.asdict(limits).values())
    assert limits.lease >= 2 * limits.lease_renewal
    assert 3 * limits.shutdown_grace + 2 < 10
