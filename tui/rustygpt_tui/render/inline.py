"""Converts the inline tokens of a paragraph (emphasis, code, links, images) to spans.

A link is followed by its address unless its text is the address, and only web and mail addresses
can be opened.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from markdown_it.token import Token

from rustygpt_shared.markdown.addresses import split_addresses
from rustygpt_tui.render import Span
from rustygpt_tui.render.text import clean, one_line

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
        self._title = ""
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
            self._title = one_line(str(token.attrs.get("title", "")))
            self._link_text = ""

    def _close(self, token: Token) -> Iterator[Span]:
        if self._styles:
            self._styles.pop()
        if token.type == "link_close":
            yield from _address(self._href, self._link_text, self._title)
            self._href = ""

    def _image(self, token: Token) -> Iterator[Span]:
        href = clean(str(token.attrs.get("src", "")))
        label = clean(token.content) or "image"
        yield Span(f"▣ {label}", "link", href if openable(href) else "")
        yield from _address(href, label, one_line(str(token.attrs.get("title", ""))))

    def _text(self, token: Token) -> Iterator[Span]:
        if token.type in {"softbreak", "hardbreak"}:
            yield Span("\n")
            return
        text = clean(token.content)
        style = " ".join(self._styles)
        if token.type == "math":
            yield from _rows(text, f"{style} code".strip())
            return
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


def _rows(text: str, style: str) -> Iterator[Span]:
    """Yield the lines of a text, with a line feed between them."""
    for number, row in enumerate(text.split("\n")):
        if number:
            yield Span("\n")
        yield Span(row, style)


def linked(text: str, style: str = "") -> Iterator[Span]:
    """Yield the spans of a text in which bare web addresses are links."""
    for part, is_address in split_addresses(text):
        yield Span(part, f"{style} link".strip(), part) if is_address else Span(part, style)


@lru_cache(maxsize=1024)
def openable(href: str) -> bool:
    """Return whether an address may be opened in the user's browser or mail program."""
    return href.lower().startswith(_OPENABLE)


def _address(href: str, link_text: str, title: str) -> Iterator[Span]:
    """Yield the address of a link unless its text is that address, and its title."""
    visible = link_text.strip().rstrip("/").removeprefix("mailto:")
    hidden = [href] if href and visible != href.rstrip("/").removeprefix("mailto:") else []
    if title:
        hidden.append(f'"{title}"')
    if hidden:
        label = f" ({' '.join(hidden)})"
        yield Span(label, "link.address", href if openable(href) else "")
