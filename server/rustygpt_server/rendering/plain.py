"""Text as HTML without Markdown, for messages that cannot be rendered in time."""

from html import escape

from rustygpt_shared.markdown.source import source


def preformatted(text: str) -> str:
    """Return the text as it was written, as escaped preformatted HTML."""
    return f"<pre>{escape(source(text), quote=False)}</pre>\n"
