"""The reasoning of an answer above its text: one line, and below it the reasoning if unfolded.

It is shown as it is written, never as Markdown. No Textual import.
"""

from typing import Final

from rustygpt_tui.render import Line, Span, restyle
from rustygpt_tui.render.plain_text import plain_lines
from rustygpt_tui.render.text import shorten
from rustygpt_tui.render.words import WordCount, words_label

STYLE: Final = "reasoning"
MAX_SHOWN: Final = 65_536
"""Code points that are shown and counted; the server keeps no more."""


def reasoning_lines(
    text: str, count: WordCount, space: int, *, is_open: bool, is_growing: bool
) -> list[Line]:
    """Return the lines of a reasoning, at most `space` cells wide; none without one.

    `is_growing` means that the model still reasons.
    """
    text = text[:MAX_SHOWN]
    if not text.strip():
        return []
    number = words_label(count.update(text))
    label = f"{'▾' if is_open else '▸'} reasoning{' …' if is_growing else ','} {number}"
    lines: list[Line] = [(Span(shorten(label, space), STYLE),)]
    if is_open:
        lines.extend(restyle(line, STYLE) for line in plain_lines(text.strip("\n"), space))
        lines.append(())
    return lines
