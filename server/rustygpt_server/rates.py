"""Rates, and the generic cell rate algorithm (GCRA) as arithmetic on whole microseconds.

A cell is the state of one limit for one caller: the time at which all of the burst is available
again, GCRA's theoretical arrival time. Here is the virtual scheduling form of ITU-T I.371, without
a clock and without storage: cells in memory belong to `services.rate_limit_cells`, those that hold
across processes to `sql`, which calculates the same (`take_from_cell`).
"""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

_SECOND: Final = 1_000_000
_IMPOSSIBLE: Final = 5 * _SECOND
_MICROSECOND: Final = timedelta(microseconds=1)


class Rate(Struct, frozen=True):
    """The rate of a profile: `burst` requests at once, then one per interval."""

    profile: str
    interval_us: int
    """The time between two requests in microseconds, at least 1."""
    burst: int

    @classmethod
    def of(cls, profile: str, requests_per_second: float, burst: int) -> "Rate":
        """Return the rate of a profile; the interval is rounded to whole microseconds."""
        return cls(profile, max(1, round(_SECOND / requests_per_second)), burst)

    def take(self, full_at: int, now: int) -> tuple[bool, int]:
        """Return whether a request at `now` conforms, and when the cell is full afterwards.

        Both times are microseconds on one clock. A cell that lies further ahead than this rate
        allows, because it had a lower rate before, counts as an empty one, and by more than five
        seconds as a full one.
        """
        tolerance = self.interval_us * (self.burst - 1)
        empty = now + tolerance + self.interval_us
        full_at = now if full_at > empty + _IMPOSSIBLE else min(full_at, empty)
        if full_at - tolerance > now:
            return False, full_at
        return True, max(full_at, now) + self.interval_us

    def state(self, missing_us: int, *, accepted: bool) -> "LimitState":
        """Return what a response says, given how long the cell takes until it is full."""
        missing_us = max(0, missing_us)
        interval = self.interval_us
        wait = missing_us - interval * (self.burst - 1)
        return LimitState(
            profile=self.profile,
            limit=self.burst,
            remaining=max(0, self.burst - -(-missing_us // interval)) if accepted else 0,
            reset_seconds=_seconds(missing_us),
            retry_after_seconds=None if accepted else max(1, _seconds(wait)),
        )

    def state_at(self, full_at: datetime, now: datetime, *, accepted: bool) -> "LimitState":
        """Return the same, given the times of a cell in the database."""
        return self.state((full_at - now) // _MICROSECOND, accepted=accepted)


class LimitState(Struct, frozen=True):
    """The state of a limit after a request, as the headers of the response show it."""

    profile: str
    limit: int
    """How many requests are accepted at once when none were made lately."""
    remaining: int
    """How many requests would be accepted now."""
    reset_seconds: int
    """How many seconds it takes until `remaining` is `limit`, rounded up."""
    retry_after_seconds: int | None = None
    """When a request was refused: after how many seconds the next one is accepted, at least 1."""


def _seconds(microseconds: int) -> int:
    return -(-microseconds // _SECOND)
