"""Converts the inline tokens of a paragraph (emphasis, code, links, images) to spans.

A link is followed by its address unless its text is the address, and only web and mail addresses
can be opened.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from markdown_it.token import Token

from rustygpt_tui.render import Span
from rustygpt_tui.render.text import clean

_URL = re.compile(r"https?://[^\s<>\"'`]*[^\s<>\"'`.,;:!?)\]}]")
_OPENS = {"strong_open": "strong", "em_open": "emphasis", "s_open": "strike", "link_open": "link"}
_OPENABLE = ("http://", "https://", "mailto:")


def inline(tokens: Sequence[Token] | None) -> list[Span]:
    """Return the spans of inline tokens; every line break is a span with a line feed."""
    return list(_InlineRenderer().spans(tokens or ()))


class _InlineRenderer:
    """Tracks the open styles and the open link while it reads tokens."""

    def __init__(self) -> None:
        self._styles: list[str] = []
        self._href = ""
        self._link_text = ""

    def spans(self, tokens: Sequence[Token]) -> Iterator[Span]:
        for token in tokens:
            if token.type in _OPENS:
                self._open(token)
            elif token.type.endswith("_close"):
                yield from self._close(token)
            elif token.type == "image":
                yield from self._image(token)
            else:
                yield from self._text(token)

    def _open(self, token: Token) -> None:
        self._styles.append(_OPENS[token.type])
        if token.type == "link_open":
            self._href = clean(str(token.attrs.get("href", "")))
            self._link_text = ""

    def _close(self, token: Token) -> Iterator[Span]:
        if self._styles:
            self._styles.pop()
        if token.type == "link_close":
            yield from _address(self._href, self._link_text)
            self._href = ""

    def _image(self, token: Token) -> Iterator[Span]:
        href = clean(str(token.attrs.get("src", "")))
        label = clean(token.content) or "image"
        yield Span(f"▣ {label}", "link", href if openable(href) else "")
        yield from _address(href, label)

    def _text(self, token: Token) -> Iterator[Span]:
        if token.type in {"softbreak", "hardbreak"}:
            yield Span("\n")
            return
        text = clean(token.content)
        style = " ".join(self._styles)
        if token.type == "code_inline":
            text = text.replace("\n", " ")
            style = f"{style} code".strip()
        if self._href:
            self._link_text += text
            yield Span(text, style, self._href if openable(self._href) else "")
        elif token.type == "code_inline":
            yield Span(text, style)
        else:
            yield from linked(text, style)


def linked(text: str, style: str = "") -> Iterator[Span]:
    """Yield the spans of a text in which bare web addresses are links."""
    end = 0
    if "://" in text:
        for match in _URL.finditer(text):
            yield Span(text[end : match.start()], style)
            yield Span(match[0], f"{style} link".strip(), match[0])
            end = match.end()
    yield Span(text[end:], style)


@lru_cache(maxsize=1024)
def openable(href: str) -> bool:
    """Return whether an address may be opened in the user's browser or mail program."""
    return href.lower().startswith(_OPENABLE)


def _address(href: str, link_text: str) -> Iterator[Span]:
    """Yield the address of a link unless its text is that address."""
    visible = link_text.strip().rstrip("/").removeprefix("mailto:")
    if href and visible != href.rstrip("/").removeprefix("mailto:"):
        yield Span(f" ({href})", "link.address", href if openable(href) else "")
