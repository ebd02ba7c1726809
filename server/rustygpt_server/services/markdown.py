"""Rendering message text as HTML: without raw HTML, with highlighted code, and sanitised."""

import nh3
from markdown_it import MarkdownIt
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

_TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "em", "s", "code", "pre"),
    *("ul", "ol", "li", "blockquote", "table", "thead", "tbody", "tr", "th", "td", "a", "span"),
}
_ATTRIBUTES = {"a": {"href"}, "span": {"class"}, "code": {"class"}, "ol": {"start"}}
_HIGHLIGHT_LIMIT = 50_000
"""Longer code is not highlighted."""


class Markdown:
    """Renders message text. Images become links, so that a page loads nothing that a text names."""

    def __init__(self) -> None:
        self._parser = MarkdownIt(
            "gfm-like", {"html": False, "linkify": False, "highlight": _highlight}
        ).disable("image")

    def render(self, text: str) -> str:
        """Return sanitised HTML."""
        return nh3.clean(
            self._parser.render(text),
            tags=_TAGS,
            attributes=_ATTRIBUTES,
            url_schemes={"http", "https", "mailto"},
            link_rel="noopener noreferrer nofollow",
        )


def _highlight(code: str, language: str, _attributes: str) -> str:
    """Return highlighted HTML, or an empty string to have the code rendered as it is."""
    if not language or len(code) > _HIGHLIGHT_LIMIT:
        return ""
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        return ""
    return str(highlight(code, lexer, HtmlFormatter(nowrap=True)))
