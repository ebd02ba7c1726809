"""The reasoning of an answer above its text: one line, and below it the reasoning if unfolded.

It is shown as it is written, never as Markdown. No Textual import.
"""

import re
from typing import Final

from rustygpt_tui.render import Line, Span, restyle
from rustygpt_tui.render.plain_text import plain_lines
from rustygpt_tui.render.text import shorten
from rustygpt_tui.render.wrap import WIDE

STYLE: Final = "reasoning"
MAX_SHOWN: Final = 65_536
"""Code points that are shown and counted; the server keeps no more."""
_WORD: Final = re.compile(rf"[{WIDE}]|[^\s{WIDE}]+")
_PART_OF_WORD: Final = re.compile(rf"[^\s{WIDE}]")


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


def reasoning_lines(
    text: str, count: WordCount, space: int, *, is_open: bool, is_growing: bool
) -> list[Line]:
    """Return the lines of a reasoning, at most `space` cells wide; none without one.

    `is_growing` means that the model still reasons.
    """
    text = text[:MAX_SHOWN]
    if not text.strip():
        return []
    words = count.update(text)
    number = "1 word" if words == 1 else f"{words:,} words"
    label = f"{'▾' if is_open else '▸'} reasoning{' …' if is_growing else ','} {number}"
    lines: list[Line] = [(Span(shorten(label, space), STYLE),)]
    if is_open:
        lines.extend(restyle(line, STYLE) for line in plain_lines(text.strip("\n"), space))
        lines.append(())
    return lines
