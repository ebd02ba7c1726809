"""The rules for text."""

from collections.abc import Callable

import pytest

from rustygpt_shared import text_rules


def test_a_message_loses_only_trailing_white_space() -> None:
    """Leading spaces and inner blank lines stay."""
    assert text_rules.message("  a\n\n\tb \n \n") == "  a\n\n\tb"


def test_a_title_is_trimmed_and_has_single_spaces() -> None:
    """Runs of white space become one space."""
    assert text_rules.title("  a \n\t b ") == "a b"


def test_a_user_name_is_normalised() -> None:
    """Compatibility forms become plain letters (NFKC)."""
    assert text_rules.username(" ｊo.ann-1 ") == "jo.ann-1"


@pytest.mark.parametrize(
    ("rule", "invalid"),
    [
        (text_rules.plain, "a\x00b"),
        (text_rules.plain, "\ud800"),
        (text_rules.message, " \n "),
        (text_rules.message, "x" * 65_537),
        (text_rules.title, "  "),
        (text_rules.title, "x" * 257),
        (text_rules.username, "-a"),
        (text_rules.username, "a b"),
        (text_rules.username, "x" * 41),
        (text_rules.email, "nobody"),
        (text_rules.email, "a@b@c"),
        (text_rules.display_name, "\u202ea"),
        (text_rules.display_name, ""),
        (text_rules.password, "short"),
        (text_rules.password, "x" * 1_025),
    ],
)
def test_invalid_text_is_rejected(rule: Callable[[str], str], invalid: str) -> None:
    """Each rule raises ValueError with a sentence."""
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        rule(invalid)
