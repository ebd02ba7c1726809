"""Make text safe for a terminal: it cannot move the cursor, change colours or hide other text.

Every text from the server passes through `printable` before it is written. Joiners and variation
selectors stay, because emoji and many scripts need them.
"""

from typing import Final

from rustygpt_shared.markdown.source import line_feeds

_ALLOWED: Final = "\n\t"
DROPPED: Final = dict.fromkeys(
    [
        *(code for code in range(0x20) if chr(code) not in _ALLOWED),
        *range(0x7F, 0xA0),
        *(0x061C, 0x200E, 0x200F, 0x2028, 0x2029, 0xFEFF),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
        *range(0xD800, 0xE000),
        *range(0xE0000, 0xE0080),
    ]
)
"""A translation table that removes the code points that are not safe for a terminal."""
FILLERS: Final = {0x3164: "\u3000", 0xFFA0: " "}
"""Blank letters that terminals draw two and one cells wide, and others take for nothing: they are
replaced by spaces of that width, so that columns stay aligned in all of them."""
_TABLE: Final = DROPPED | FILLERS


def printable(text: str) -> str:
    """Return text without control, bidirectional, surrogate and tag characters.

    Every kind of line end is a line feed, so that no words are joined.
    """
    return line_feeds(text).translate(_TABLE)


def one_line(text: str) -> str:
    """Return printable text on one line, with single spaces."""
    return " ".join(printable(text).split())
