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
    assert text_rules.username(" jo.ann-1_ ") == "jo.ann-1_"


@pytest.mark.parametrize(
    ("rule", "invalid"),
    [
        (text_rules.message, "a\x00b"),
        (text_rules.message, "\ud800"),
        (text_rules.message, " \n "),
        (text_rules.message, "x" * 65_537),
        (text_rules.title, "  "),
        (text_rules.title, "\u3164\u200b \u2800\u0301"),
        (text_rules.title, "x" * 257),
        (text_rules.username, "-a"),
        (text_rules.username, "a b"),
        (text_rules.username, "x" * 33),
        (text_rules.username, "x"),
        (text_rules.username, "zoë"),
        (text_rules.username, "ｊo"),
        (text_rules.display_name, "x" * 65),
        (text_rules.display_name, "\u3164"),
        (text_rules.email, "nobody"),
        (text_rules.email, "a@b@c"),
        (text_rules.display_name, "\u202ea"),
        (text_rules.display_name, "a\u200db"),
        (text_rules.display_name, "a\u200cb"),
        (text_rules.display_name, "\u200d\U0001f469"),
        (text_rules.display_name, "\U0001f469\u200d"),
        (text_rules.display_name, ""),
        (text_rules.password, "short"),
        (text_rules.password, "x" * 1_025),
    ],
)
def test_invalid_text_is_rejected(rule: Callable[[str], str], invalid: str) -> None:
    """Each rule raises ValueError with a sentence."""
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        rule(invalid)


@pytest.mark.parametrize(
    "name",
    [
        "\U0001f469\U0001f3fd\u200d\U0001f469\u200d\U0001f467",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0dc1\u0dca\u200d\u0dbb\u0dd3",
        "\u0915\u094d\u200c\u0937",
    ],
)
def test_names_may_have_the_joiners_that_their_script_needs(name: str) -> None:
    """Emoji of several parts, Persian and Indic scripts."""
    assert text_rules.display_name(name) == name


@pytest.mark.parametrize("length", [256, 257])
def test_the_length_is_checked_before_the_text_is_normalised(length: int) -> None:
    """A longer text reaches no other code of the rule."""
    reached: list[str] = []

    def normalise(text: str) -> str:
        reached.append(text)
        return text

    rule = text_rules.TextRule(256, "a note", normalise)
    if length > 256:
        with pytest.raises(ValueError, match="a note has at most 256 characters; this one has 257"):
            rule("\u0301" * length)
    else:
        assert rule("\u0301" * length) == "\u0301" * length
    assert reached == ["\u0301" * length] * (length <= 256)
