"""Converts rendered lines to Textual strips, with the mouse selection drawn in."""

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from rustygpt_tui.render import Line
from rustygpt_tui.widgets.transcript.styles import StyleCache


def to_strip(
    line: Line, styles: StyleCache, selected: tuple[int, int] | None, selection: Style
) -> Strip:
    """Return a line as a strip.

    `selected` is the selected range in code points, with -1 for the end of the line; `selection`
    is the style it is drawn in.
    """
    segments: list[Segment] = []
    at = 0
    for span in line:
        if not span.text:
            continue
        style = styles.style(span.style)
        if span.link:
            style += Style.from_meta({"link": span.link})
        if selected is None:
            segments.append(Segment(span.text, style))
        else:
            segments.extend(_split(span.text, at, style, selected, selection))
        at += len(span.text)
    return Strip(segments)


def _split(
    text: str, at: int, style: Style, selected: tuple[int, int], selection: Style
) -> list[Segment]:
    start = max(0, selected[0] - at)
    end = len(text) if selected[1] == -1 else max(start, min(len(text), selected[1] - at))
    parts = ((text[:start], style), (text[start:end], style + selection), (text[end:], style))
    return [Segment(part, part_style) for part, part_style in parts if part]
