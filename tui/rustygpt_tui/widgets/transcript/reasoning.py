"""The reasoning of an answer above its text: one line, and below it the reasoning if unfolded.

It is shown as it is written, never as Markdown. No Textual import.
"""

from collections.abc import Callable
from typing import Final

from rustygpt_tui.render import Line, Span, restyle
from rustygpt_tui.render.plain_text import GrowingText
from rustygpt_tui.render.text import shorten
from rustygpt_tui.render.words import WordCount, words_label

STYLE: Final = "reasoning"
MAX_SHOWN: Final = 65_536
"""Code points that are shown and counted; the server keeps no more."""


class ReasoningView:
    """The lines of one reasoning, which may grow."""

    def __init__(self, space: int, indent: Callable[[list[Line]], list[Line]]) -> None:
        """A line has `space` cells at most before `indent` indents it."""
        self._space = space
        self._indent = indent
        self._count = WordCount()
        self._text = GrowingText(space, self._decorate)

    def lines(self, text: str, *, is_open: bool, is_growing: bool) -> list[Line]:
        """Return the lines of a reasoning, which continues the one before; none without one.

        `is_growing` means that the model still reasons.
        """
        text = text[:MAX_SHOWN]
        if not text.strip():
            return []
        number = words_label(self._count.update(text))
        label = f"{'▾' if is_open else '▸'} reasoning{' …' if is_growing else ','} {number}"
        head: Line = (Span(shorten(label, self._space), STYLE),)
        if not is_open:
            return self._indent([head])
        lines = self._text.lines(text.strip("\n"))
        return [*self._indent([head]), *lines, *self._indent([()])]

    def _decorate(self, lines: list[Line]) -> list[Line]:
        return self._indent([restyle(line, STYLE) for line in lines])
