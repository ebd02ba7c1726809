"""The child's side of child processes with a deadline."""

import re

import pytest

from rustygpt_shared.deadline.worker import TooSlow, allowance


def test_a_block_that_uses_up_its_allowance_is_interrupted() -> None:
    """Also within one regular expression that would take for ever."""
    with pytest.raises(TooSlow), allowance(0.05):
        re.match(r"(a+)+b", "a" * 60)


def test_an_allowance_ends_with_its_block() -> None:
    """Work after it is not interrupted."""
    with allowance(0.05):
        pass
    assert sum(range(6_000_000)) > 0
