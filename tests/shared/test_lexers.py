"""The lexers of the languages that code blocks name."""

import sys

import pytest

from rustygpt_shared.lexers import is_known, lexer_of


@pytest.mark.parametrize("language", ["python", "Python", "c++", "sh", "systemd"])
def test_languages_have_lexers_by_all_their_names(language: str) -> None:
    """In any case."""
    assert is_known(language)
    assert lexer_of(language) is not None


@pytest.mark.parametrize("language", ["", "text", "no-such-language", "title=x"])
def test_other_words_have_none(language: str) -> None:
    """Plain text is not highlighted."""
    assert not is_known(language)
    assert lexer_of(language) is None


def test_an_unknown_language_looks_for_no_plugins() -> None:
    """That would read the metadata of all installed packages each time."""
    before = set(sys.modules)
    assert [lexer_of(f"unknown-{number}") for number in range(300)] == [None] * 300
    assert not {name for name in set(sys.modules) - before if name.startswith("importlib")}
