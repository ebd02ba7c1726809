"""Emphasis beside East Asian characters.

CommonMark decides by white space and punctuation around `**` whether it may begin or end emphasis.
East Asian text has no spaces between words, so that `**` between a wide bracket and a letter would
stay unmarked.
"""

import unicodedata

from markdown_it.rules_inline.state_inline import Scanned


def scan_delimiters(text: str, start: int, scanned: Scanned) -> Scanned:
    """Return what the delimiters at `start` may do, as if a space were beside a wide character."""
    end = start + scanned.length
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    opens = scanned.can_open or (_is_wide(before) and not after.isspace())
    closes = scanned.can_close or (_is_wide(after) and not before.isspace())
    return Scanned(opens, closes, scanned.length)


def _is_wide(character: str) -> bool:
    return character >= "\u1100" and unicodedata.east_asian_width(character) in "WF"
