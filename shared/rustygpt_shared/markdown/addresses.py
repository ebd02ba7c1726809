"""Bare web addresses in text, which are links without any markup.

What may be opened or linked besides is decided where messages are shown.
"""

import re
from collections.abc import Iterator
from typing import Final

_BARE: Final = re.compile(r"https?://[^\s<>\"'`]*[^\s<>\"'`.,;:!?)\]}]")


def split_addresses(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the parts of a text in order, and whether a part is an address.

    Punctuation and closing brackets at its end belong to the sentence, not to the address.
    """
    end = 0
    if "://" in text:
        for match in _BARE.finditer(text):
            if match.start() > end:
                yield text[end : match.start()], False
            yield match[0], True
            end = match.end()
    if text[end:]:
        yield text[end:], False
