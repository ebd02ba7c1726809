"""Text and Markdown made into lines of styled spans: functions that know no app and no terminal.

A `Span` is text and the names of its styles; a `Line` is a tuple of spans. What colours the
names stand for is the widgets' business, and users' text is never read as markup here.
"""

from typing import NamedTuple


class Span(NamedTuple):
    """A piece of one line: clean text, names of styles with spaces between, and a link's target."""

    text: str
    style: str = ""
    link: str = ""


Line = tuple[Span, ...]

SOFT_BREAK = "soft"
"""The style of an empty span at the end of a line that was broken only to fit.

Its `link` is the space that was dropped there. `selecting` joins such lines again.
"""


def plain(line: Line) -> str:
    """The text of a line without its styles."""
    return "".join(span.text for span in line)


def restyle(line: Line, style: str) -> Line:
    """The same line with further style names laid under those its spans have."""
    return tuple(span._replace(style=f"{style} {span.style}".rstrip()) for span in line)
