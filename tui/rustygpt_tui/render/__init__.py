"""Renders text and Markdown to lines of styled spans; pure functions without Textual.

A `Span` is a text with style names, a `Line` a tuple of spans. Widgets map style names to colours.
Text of users is never read as markup of the terminal or of Textual.
"""

from typing import NamedTuple


class Span(NamedTuple):
    """A part of one line: text without control characters, style names, and a link target.

    Style names are separated by spaces; later ones override earlier ones.
    """

    text: str
    style: str = ""
    link: str = ""


Line = tuple[Span, ...]

SOFT_BREAK = "soft"
"""The style of an empty span at the end of a line that was broken only to fit the width.

Its `link` is the space that was dropped there. `selection` joins such lines again.
"""


def plain(line: Line) -> str:
    """Return the text of a line without styles."""
    return "".join(span.text for span in line)


def restyle(line: Line, style: str) -> Line:
    """Return the line with style names added before those of its spans."""
    return tuple(span._replace(style=f"{style} {span.style}".rstrip()) for span in line)
