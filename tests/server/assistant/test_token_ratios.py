"""Reported tokens compared with estimated ones."""

import pytest

from rustygpt_server.assistant.token_ratios import TokenRatios


def test_a_model_that_counts_more_gets_shorter_prompts() -> None:
    """At once; other models are not affected."""
    ratios = TokenRatios()
    ratios.learn("m", 1_000, 2_000)
    assert ratios.estimated("m", 8_000) == 4_000
    assert ratios.estimated("other", 8_000) == 8_000


def test_prompts_grow_again_slowly() -> None:
    """A single prompt with fewer tokens, as in another language, proves little."""
    ratios = TokenRatios()
    ratios.learn("m", 1_000, 2_000)
    ratios.learn("m", 1_000, 1_000)
    assert ratios.estimated("m", 1_900) == 1_000


@pytest.mark.parametrize(("reported", "limit"), [(1, 2_000), (10**9, 250)])
def test_absurd_reports_are_limited(reported: int, limit: int) -> None:
    """A server may report anything."""
    ratios = TokenRatios()
    for _ in range(500):
        ratios.learn("m", 1_000, reported)
    assert ratios.estimated("m", 1_000) == pytest.approx(limit, abs=1)


def test_short_prompts_are_no_measure() -> None:
    """They consist of the chat template for a large part."""
    ratios = TokenRatios()
    ratios.learn("m", 10, 100)
    assert ratios.estimated("m", 1_000) == 1_000
