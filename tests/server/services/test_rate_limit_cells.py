"""Cells in memory: they are bounded in number and in bytes."""

import tracemalloc
from uuid import UUID

from rustygpt_server.rates import Rate
from rustygpt_server.services.rate_limit_cells import MAX_CELLS, RateLimitCells

_RATE = Rate("default", 1_000_000, 2)


def test_each_caller_and_profile_has_a_cell() -> None:
    """What one caller did, or what a caller did under one profile, limits nobody else."""
    cells = RateLimitCells()
    for _ in range(2):
        assert cells.take(_RATE, "192.0.2.1", 0).retry_after_seconds is None
    assert cells.take(_RATE, "192.0.2.1", 0).retry_after_seconds == 1
    other = Rate("other", 1_000_000, 2)

    assert cells.take(_RATE, "192.0.2.2", 0).remaining == 1
    assert cells.take(_RATE, UUID(int=1), 0).remaining == 1
    assert cells.take(other, "192.0.2.1", 0).remaining == 1
    assert cells.take(_RATE, "192.0.2.1", 1_000_000).retry_after_seconds is None


def test_any_number_of_addresses_takes_bounded_memory() -> None:
    """Cells stop at the maximum, and each takes less than the documented bytes."""
    cells = RateLimitCells()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(2 * MAX_CELLS):
        cells.take(_RATE, f"2001:db8:{number >> 16:x}:{number & 0xFFFF:x}::/64", 0)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    assert len(cells) == MAX_CELLS
    assert grown < 400 * MAX_CELLS


def test_the_cell_that_was_used_last_stays() -> None:
    """Many others do not drop the cell of a caller who goes on."""
    cells = RateLimitCells(max_cells=100)
    for _ in range(3):
        cells.take(_RATE, "busy", 0)
    for number in range(1_000):
        cells.take(_RATE, str(number), 0)
        assert cells.take(_RATE, "busy", 0).retry_after_seconds == 1

    assert len(cells) == 100


def test_full_cells_are_dropped() -> None:
    """A cell whose burst is available again says nothing: it makes place for others."""
    cells = RateLimitCells()
    for number in range(1_000):
        cells.take(_RATE, f"first {number}", 0)
    for number in range(1_000):
        cells.take(_RATE, f"second {number}", 10_000_000)

    assert len(cells) == 1_000
