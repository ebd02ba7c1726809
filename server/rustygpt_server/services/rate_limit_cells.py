"""The cells of rate limits in the memory of a process, bounded in number.

The algorithm belongs to `rates`. Cells of limits that hold across processes are in the database.
"""

from collections import OrderedDict
from typing import Final
from uuid import UUID

from rustygpt_server.rates import LimitState, Rate

MAX_CELLS: Final = 50_000
"""How many cells a process has of users, and as many of addresses; one takes about 300 bytes."""

Key = tuple[str, UUID | str]
"""The profile's name, and the user or what counts as one address."""


class RateLimitCells:
    """The cells of one kind of caller.

    Cells that are full say nothing and are dropped as others come. Beyond the maximum, the cell
    that was not used for the longest time is dropped: its caller has all of the burst again.
    """

    def __init__(self, max_cells: int = MAX_CELLS) -> None:
        self._max_cells = max_cells
        self._full_at: OrderedDict[Key, int] = OrderedDict()
        """When each cell is full, in microseconds; the one that was used last is last."""

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, rate: Rate, caller: UUID | str, now: int) -> LimitState:
        """Count a request, at a time in microseconds; return the state of its limit afterwards."""
        key = (rate.profile, caller)
        full_at = self._full_at.get(key)
        accepted, next_full_at = rate.take(now if full_at is None else full_at, now)
        self._full_at[key] = next_full_at
        if full_at is None:
            self._drop(now)
        else:
            self._full_at.move_to_end(key)
        return rate.state(next_full_at - now, accepted=accepted)

    def peek(self, rate: Rate, caller: UUID | str, now: int) -> LimitState:
        """Return the state of a limit without counting a request."""
        full_at = self._full_at.get((rate.profile, caller), now)
        return rate.state(full_at - now, accepted=True)

    def _drop(self, now: int) -> None:
        """Drop up to two full cells, so that there are fewer of them with each new one."""
        for _ in range(2):
            if next(iter(self._full_at.values())) > now:
                break
            self._full_at.popitem(last=False)
        if len(self._full_at) > self._max_cells:
            self._full_at.popitem(last=False)
