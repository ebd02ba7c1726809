"""What is done to a text before it is parsed."""

import pytest

from rustygpt_shared.markdown.source import line_feeds, source


@pytest.mark.parametrize("end", ["\r\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029", "\n"])
def test_every_kind_of_line_end_becomes_one_line_feed(end: str) -> None:
    """Nothing is joined, and no empty line appears."""
    assert line_feeds(f"a{end}b") == "a\nb"


def test_overrides_of_the_direction_are_dropped() -> None:
    """Letters of any direction stay."""
    assert source("a\u202eb\u2066c\u05d0") == "abc\u05d0"
