"""Counts the words of a text that grows, and names numbers."""

import re
from typing import Final

from rustygpt_tui.render.wrap import WIDE

_WORD: Final = re.compile(rf"[{WIDE}]|[^\s{WIDE}]+")
_PART_OF_WORD: Final = re.compile(rf"[^\s{WIDE}]")
_ORDINALS: Final = {1: "st", 2: "nd", 3: "rd"}


class WordCount:
    """The number of words of a text that grows; each part is read once."""

    def __init__(self) -> None:
        self.words = 0
        self._length = 0
        self._is_in_word = False

    def update(self, text: str) -> int:
        """Return the number of words of a text, which usually continues the one before."""
        if len(text) < self._length:
            self.words, self._length, self._is_in_word = 0, 0, False
        added = text[self._length :]
        if added:
            continues = self._is_in_word and _PART_OF_WORD.match(added)
            self.words += sum(1 for _ in _WORD.finditer(added)) - bool(continues)
            self._is_in_word = bool(_PART_OF_WORD.match(added[-1]))
            self._length = len(text)
        return self.words


def words_label(words: int) -> str:
    """Return a number of words as a label."""
    return "1 word" if words == 1 else f"{words:,} words"


def ordinal(number: int) -> str:
    """Return a number as in "2nd"."""
    is_teen = number % 100 in {11, 12, 13}
    return f"{number:,}{'th' if is_teen else _ORDINALS.get(number % 10, 'th')}"


def queue_label(position: int | None) -> str:
    """Return the place of an answer in the queue; 1 is the next one."""
    if position is None:
        return "queued"
    return "next in line" if position == 1 else f"queued, {ordinal(position)} in line"
