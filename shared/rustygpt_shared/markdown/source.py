"""What a message's text is before it is parsed: every kind of line end is a line feed."""

import re
from typing import Final

LINE_END: Final = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
"""Line ends other than a line feed. Removing one would join two words."""
OVERRIDES: Final = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
"""A translation table without the characters that set the direction of the text after them."""


def line_feeds(text: str) -> str:
    """Return a text in which a line feed ends each line."""
    return LINE_END.sub("\n", text)


def source(text: str) -> str:
    """Return a message's text as it is parsed for a page: line feeds, and no overrides."""
    return line_feeds(text).translate(OVERRIDES)
