"""Text that a user typed or pasted, as it is sent.

How text of other people is shown is in `printable`; what is read from a pipe is sent as it is.
"""

from rustygpt_shared.markdown.source import line_feeds
from rustygpt_tui.client.printable import DROPPED


def typed_text(text: str) -> str:
    """Return the text with line feeds, and without control characters."""
    return line_feeds(text).translate(DROPPED)
