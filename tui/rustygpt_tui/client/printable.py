"""Make text of others fit for a terminal: nothing in it can move the cursor or hide the rest.

Every string from the server or another person goes through `printable` before it is written.
Joiners and variation selectors stay, since emoji and many scripts need them.
"""

from typing import Final

_KEPT: Final = "\n\t"
DROPPED: Final = dict.fromkeys(
    [
        *(code for code in range(0x20) if chr(code) not in _KEPT),
        *range(0x7F, 0xA0),
        *(0x061C, 0x200E, 0x200F, 0x2028, 0x2029, 0xFEFF),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
        *range(0xD800, 0xE000),
        *range(0xE0000, 0xE0080),
    ]
)
"""The code points that are not fit for a terminal."""


def printable(text: str) -> str:
    """The text without control, direction-changing, surrogate and tag characters."""
    return text.translate(DROPPED)


def one_line(text: str) -> str:
    """The same on one line, runs of white space folded to one space."""
    return " ".join(printable(text).split())
