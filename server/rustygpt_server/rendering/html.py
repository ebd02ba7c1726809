"""Markdown to HTML: without raw HTML, with highlighted code, and sanitised.

What CommonMark hides is visible: info lines of code blocks, link definitions, and addresses that
may not be links. Images become links, so that a page loads nothing that a text names.
"""

import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any, Final

import nh3
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from rustygpt_server.rendering.highlighting import Highlighter
from rustygpt_server.rendering.plain import preformatted
from rustygpt_shared.markdown.addresses import split_addresses
from rustygpt_shared.markdown.parser import make_parser
from rustygpt_shared.markdown.source import source

_MAX_GROWTH: Final = 32
"""The HTML of a text has at most this many characters for each of the text's, and `_FREE` more.

A link definition that is used often, or a table with many empty cells, would have hundreds.
"""
_FREE: Final = 4_096
_SCHEMES: Final = {"http", "https", "mailto"}
_ADDRESS: Final = re.compile(r"https?://[^/\\]|mailto:", re.IGNORECASE)
_TEXT_TAGS: Final = ("p", "h1", "h2", "h3", "h4", "h5", "h6", "li", "blockquote", "th", "td")
_TAGS: Final = {
    *_TEXT_TAGS,
    *("br", "hr", "strong", "em", "s", "code", "pre", "ul", "ol"),
    *("table", "thead", "tbody", "tr", "a", "span"),
}
_ATTRIBUTES: Final = {
    "*": set[str](),  # without this entry nh3 allows `lang` and `title` everywhere
    "a": {"href", "title"},
    "code": {"class"},
    "ol": {"start"},
    "span": {"class"},
    "td": {"align"},
    "th": {"align"},
}
_DIRECTION: Final = {tag: {"dir": "auto"} for tag in _TEXT_TAGS}


class HtmlRenderer:
    """Renders message text to sanitised HTML."""

    def __init__(self) -> None:
        self._parser = make_parser().disable("image")
        self._cleaner = nh3.Cleaner(
            tags=_TAGS,
            attributes=_ATTRIBUTES,
            set_tag_attribute_values=_DIRECTION,
            url_schemes=_SCHEMES,
            link_rel="noopener noreferrer nofollow",
        )
        self._html = _Html()

    def render(self, text: str) -> str:
        """Return sanitised HTML, or the text as it was written if the HTML would be too long."""
        env: dict[str, Any] = {}
        tokens = self._parser.parse(source(text), env)
        for token in tokens:
            if token.type == "inline" and token.children:
                token.children = _with_addresses(token.children)
            elif token.type in {"th_open", "td_open"} and "style" in token.attrs:
                style = str(token.attrs.pop("style"))  # pages forbid styles in HTML
                token.attrs["align"] = style.removeprefix("text-align:")
        self._html.highlighter = Highlighter()
        html = self._cleaner.clean(str(self._html.render(tokens, self._parser.options, env)))
        return html if len(html) <= _FREE + _MAX_GROWTH * len(text) else preformatted(text)


class _Html(RendererHTML):
    """Writes the tokens of the dialect, and code, as HTML."""

    highlighter: Highlighter
    """The highlighter of the text that is rendered."""

    def fence(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        """Return a code block with its whole info line, which is not a part of the code."""
        token = tokens[idx]
        info = token.info.strip()
        if not info:
            return self.code_block(tokens, idx)
        language = info.split()[0]
        code = self.highlighter.html(token.content, language) or escape(token.content)
        label = f'<span class="info">{escape(info)}</span>'
        return f'<pre>{label}<code class="language-{escape(language)}">{code}</code></pre>\n'

    def code_block(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        """Return code without a language."""
        return f"<pre><code>{escape(tokens[idx].content)}</code></pre>\n"

    def softbreak(self, *_: Any) -> str:
        """Return a line break: people write messages line by line."""
        return "<br>"

    def hardbreak(self, *_: Any) -> str:
        """Return a line break."""
        return "<br>"

    def math(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        """Return a formula as it was written."""
        return escape(tokens[idx].content)

    def math_block(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        """Return a formula of several lines as it was written."""
        return f"<pre>{escape(tokens[idx].content)}</pre>\n"

    def definition(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        """Return a link definition as it was written."""
        return f"<p>{escape(tokens[idx].content)}</p>\n"


def _with_addresses(tokens: list[Token]) -> list[Token]:
    """Return inline tokens in which an address that may not be a link is text after its words.

    Only whole addresses are links: a relative one leads somewhere into the server of the page.
    A bare address in text is a link.
    """
    result: list[Token] = []
    address, is_in_link = "", False
    for token in tokens:
        if token.type == "link_open":
            address, is_in_link = str(token.attrs.get("href", "")), True
        if token.type == "text" and not is_in_link:
            result.extend(_linked(token))
        elif token.type not in {"link_open", "link_close"} or _ADDRESS.match(address):
            result.append(token)
        elif token.type == "link_close" and address:
            result.append(Token("text", "", 0, content=f" ({address})"))
        is_in_link = is_in_link and token.type != "link_close"
    return result


def _linked(text: Token) -> Iterator[Token]:
    """Yield the tokens of a text in which bare addresses are links."""
    for part, is_address in split_addresses(text.content):
        if is_address:
            yield Token("link_open", "a", 1, attrs={"href": part})
        yield Token("text", "", 0, content=part)
        if is_address:
            yield Token("link_close", "a", -1)
