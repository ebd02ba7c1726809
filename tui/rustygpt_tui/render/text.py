"""Cleans text for the terminal, measures its width in cells, cuts and pads it.

Widths follow the rules that terminals and Textual share: a cluster is a character with the
characters that combine with it, and variation selector 16 makes a narrow emoji wide. `wrap`
breaks lines.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from rustygpt_tui.client.printable import one_line, printable

_MARKUP = re.compile(r"\*\*|__|~~|`+|^[ \t]*(?:#+|>)[ \t]+", re.MULTILINE)
_PLAIN = re.compile(r"[\x20-\x7e\xa0-\xac\xae-\u02ff\u0370-\u0482\u2500-\u25a9]*")
_ZERO_CATEGORIES = frozenset({"Mn", "Me", "Mc", "Cf", "Cc", "Zl", "Zp"})
_VISIBLE_FORMATS = "\u00ad\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2"
_JOINER = "\u200d"
_EMOJI_SELECTOR = "\ufe0f"
_LABEL_SOURCE = 2_000
TAB = "    "

__all__ = [
    "TAB",
    "clean",
    "clusters",
    "cut",
    "first_words",
    "one_line",
    "pad",
    "shorten",
    "strip_markdown",
    "width",
]


def clean(text: str) -> str:
    """Return the text without control characters, except line feeds and tabs."""
    return printable(text)


@lru_cache(maxsize=8192)
def character_width(character: str) -> int:
    """Return the cells that a single character takes: 0, 1 or 2."""
    point = ord(character)
    if character in _VISIBLE_FORMATS:
        return 1
    if unicodedata.category(character) in _ZERO_CATEGORIES or 0x1F3FB <= point <= 0x1F3FF:
        return 0
    if 0x1160 <= point <= 0x11FF or 0xD7B0 <= point <= 0xD7FF:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def clusters(text: str) -> Iterator[tuple[str, int]]:
    """Yield each cluster of characters that is drawn as one, and its width in cells."""
    current, width, joining = "", 0, False
    for character in text:
        own = character_width(character)
        if current and (joining or own == 0):
            current += character
            if character == _EMOJI_SELECTOR and width == 1 and _may_be_emoji(current[0]):
                width = 2
            joining = character == _JOINER
            continue
        if current:
            yield current, width
        current, width, joining = character, own, character == _JOINER
    if current:
        yield current, width


def belongs_before(text: str, character: str) -> bool:
    """Return whether a character combines with the last character of a text."""
    is_visible = text[-1] not in "\n\t "
    return is_visible and (text[-1] == _JOINER or character_width(character) == 0)


def width(text: str) -> int:
    """Return the cells that a line of text takes; tabs and line feeds count as 0."""
    if _PLAIN.fullmatch(text):
        return len(text)
    return sum(cells for _, cells in clusters(text))


def cut(text: str, limit: int) -> tuple[str, str]:
    """Return the longest start of a text that fits into `limit` cells, and the rest."""
    if _PLAIN.fullmatch(text):
        return text[:limit], text[limit:]
    used = length = 0
    for cluster, cells in clusters(text):
        if used + cells > limit:
            break
        used += cells
        length += len(cluster)
    return text[:length], text[length:]


def shorten(text: str, limit: int) -> str:
    """Return a text cut to `limit` cells, with `…` at the end if something was cut off."""
    if width(text) <= limit:
        return text
    return cut(text, max(0, limit - 1))[0].rstrip() + "…" if limit > 0 else ""


def strip_markdown(excerpt: str) -> str:
    """Return an excerpt without Markdown markup, for places that do not render it."""
    return _MARKUP.sub("", excerpt)


def first_words(message: str) -> str:
    """Return the beginning of a message on one line, without markup, for a label that is cut.

    Labels are drawn with each key: the cost does not grow with the message.
    """
    return one_line(strip_markdown(message[:_LABEL_SOURCE])).strip()


def pad(text: str, cells: int) -> str:
    """Return a text padded with spaces to `cells` cells."""
    return text + " " * max(0, cells - width(text))


def _may_be_emoji(character: str) -> bool:
    """Return whether variation selector 16 widens a character.

    After Unicode's emoji-variation-sequences.txt.
    """
    point = ord(character)
    if point < 0x2000:
        return character in "#*0123456789©®"
    return point >= 0x203C and unicodedata.category(character) in {"So", "Sm", "Po", "Ll"}
