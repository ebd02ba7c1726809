"""The generic cell rate algorithm as arithmetic, against a token bucket."""

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.database.databases import NOW

from rustygpt_server.rates import LimitState, Rate


class TokenBucket:
    """The reference: a bucket that starts full and gains tokens in proportion to the time."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._tokens = Fraction(rate.burst)
        self._at = 0

    def take(self, now: int) -> bool:
        """Take a token if there is a whole one."""
        gained = Fraction(now - self._at, self._rate.interval_us)
        self._tokens = min(Fraction(self._rate.burst), self._tokens + gained)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    @property
    def whole_tokens(self) -> int:
        """How many requests would be accepted now."""
        return int(self._tokens)


_RATES = st.builds(Rate, st.just("p"), st.integers(1, 10_000_000), st.integers(1, 50))
_STEPS = st.lists(st.one_of(st.just(0), st.integers(0, 1_000), st.integers(0, 20_000_000)))


@given(_RATES, _STEPS)
def test_it_accepts_what_a_token_bucket_accepts(rate: Rate, steps: list[int]) -> None:
    """The same requests conform, and the same number remains, at whatever times they come."""
    bucket = TokenBucket(rate)
    now = full_at = 0
    for step in steps:
        now += step
        accepted, full_at = rate.take(full_at, now)
        assert accepted == bucket.take(now)
        state = rate.state(full_at - now, accepted=accepted)
        assert state.remaining == bucket.whole_tokens


@given(_RATES, _STEPS)
def test_the_wait_that_it_names_is_long_enough(rate: Rate, steps: list[int]) -> None:
    """A request after Retry-After conforms; one a whole second earlier does not."""
    now = full_at = 0
    for step in steps:
        now += step
        accepted, full_at = rate.take(full_at, now)
        wait = rate.state(full_at - now, accepted=accepted).retry_after_seconds
        assert (wait is None) == accepted
        if wait is not None:
            assert rate.take(full_at, now + wait * 1_000_000)[0]
            assert wait == 1 or not rate.take(full_at, now + (wait - 1) * 1_000_000)[0]


@given(_RATES, _STEPS)
def test_after_the_reset_all_of_the_burst_is_available(rate: Rate, steps: list[int]) -> None:
    """RateLimit-Reset is never too short."""
    now = full_at = 0
    for step in steps:
        now += step
        accepted, full_at = rate.take(full_at, now)
    now += rate.state(full_at - now, accepted=True).reset_seconds * 1_000_000
    for _ in range(rate.burst):
        accepted, full_at = rate.take(full_at, now)
        assert accepted


@pytest.mark.parametrize(
    ("requests_per_second", "interval_us"),
    [(5, 200_000), (10 / 60, 6_000_000), (3, 333_333), (1e6, 1), (1e-5, 100_000_000_000)],
)
def test_the_interval_is_in_whole_microseconds(
    requests_per_second: float, interval_us: int
) -> None:
    """A rate of requests per second is rounded to whole microseconds between two requests."""
    assert Rate.of("p", requests_per_second, 1).interval_us == interval_us


def test_a_raised_rate_is_in_force_at_once() -> None:
    """A cell that was emptied at a much lower rate is full at the new one, else it is empty."""
    fast = Rate("p", 1_000_000, 2)
    accepted, full_at = fast.take(7_000_001, 0)
    assert (accepted, full_at) == (True, 1_000_000)

    accepted, full_at = fast.take(7_000_000, 0)
    assert not accepted
    assert fast.state(full_at, accepted=False).retry_after_seconds == 1
    assert fast.take(full_at, 1_000_000)[0]


def test_the_state_of_a_cell_in_the_database_is_the_same() -> None:
    """Times of the database are compared in microseconds, the seconds rounded up."""
    rate = Rate("p", 200_000, 10)

    assert rate.state_at(NOW + timedelta(seconds=1), NOW, accepted=True) == LimitState(
        "p", limit=10, remaining=5, reset_seconds=1
    )
    assert rate.state_at(NOW + timedelta(seconds=2), NOW, accepted=False) == LimitState(
        "p", limit=10, remaining=0, reset_seconds=2, retry_after_seconds=1
    )
    assert rate.state_at(NOW - timedelta(days=1), NOW, accepted=True).remaining == 10
