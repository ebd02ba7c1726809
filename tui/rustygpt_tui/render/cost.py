"""Estimates how long a text takes to render, from counts that take nearly no time themselves.

Markup takes longer than words, and quotes in quotes longest. The weights were found by search
(`tests.benchmarks.worst_texts`): with them no text that was tried takes several times as long per
unit as an ordinary one.
"""

from typing import Final

MAX_AT_ONCE: Final = 12_000
"""The cost of a text that may be rendered on the event loop; a message of about 6 KB."""
MAX_PER_TURN: Final = 24_000
"""The cost of all texts that may be rendered in one turn of the event loop."""
_MARKUP: Final = "\n[]|*_`~$&<\\"


def cost(text: str) -> int:
    """Return the estimated cost of rendering a text."""
    markup = sum(text.count(character) for character in _MARKUP)
    wide = 0 if text.isascii() else len(text.encode(errors="replace")) - len(text)
    return len(text) + 8 * markup + 24 * text.count("![") + 40 * text.count(">") + 2 * wide
