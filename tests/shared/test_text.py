"""The rules of text."""

from collections.abc import Callable

import pytest

from rustygpt_shared import text


def test_a_message_keeps_all_but_its_blank_end() -> None:
    """Leading space and inner blank lines stay; trailing white space goes."""
    assert text.message("  a\n\n\tb \n \n") == "  a\n\n\tb"


def test_a_title_has_no_runs_of_space() -> None:
    """Titles are trimmed and folded."""
    assert text.title("  a \n\t b ") == "a b"


def test_a_user_name_is_normalised() -> None:
    """Compatibility forms become plain letters."""
    assert text.username(" ｊo.ann-1 ") == "jo.ann-1"


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        (text.plain, "a\x00b"),
        (text.plain, "\ud800"),
        (text.message, " \n "),
        (text.message, "x" * 65_537),
        (text.title, "  "),
        (text.title, "x" * 257),
        (text.username, "-a"),
        (text.username, "a b"),
        (text.username, "x" * 41),
        (text.email, "nobody"),
        (text.email, "a@b@c"),
        (text.display_name, "\u202ea"),
        (text.display_name, ""),
        (text.password, "short"),
        (text.password, "x" * 1_025),
    ],
)
def test_what_breaks_a_rule_is_refused(rule: Callable[[str], str], wrong: str) -> None:
    """Each rule says no with a sentence."""
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        rule(wrong)
