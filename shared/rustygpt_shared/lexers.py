"""The lexer of a language that a code block names, among those of Pygments itself.

Pygments looks for plugins in all installed packages when it does not know a name, which takes
longer than most highlighting.
"""

from functools import cache, lru_cache

from pygments.lexer import Lexer
from pygments.lexers import LEXERS, find_lexer_class

_PLAIN = frozenset({"", "text", "plain", "txt"})


@lru_cache(maxsize=256)
def lexer_of(language: str) -> Lexer | None:
    """Return the lexer of a language, None when there is none or nothing to highlight."""
    name = None if language in _PLAIN else _names().get(language.lower())
    lexer_class = find_lexer_class(name) if name else None
    return lexer_class() if lexer_class else None


def is_known(language: str) -> bool:
    """Return whether a language has a lexer; the lexer is not loaded."""
    return language not in _PLAIN and language.lower() in _names()


@cache
def _names() -> dict[str, str]:
    """Return the names of the lexers by the names of their languages."""
    return {alias: name for _, name, aliases, _, _ in LEXERS.values() for alias in aliases}
