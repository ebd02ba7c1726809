"""Extracts the addresses of a Markdown text that can be opened, for a choice among them."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from rustygpt_tui.render import Span
from rustygpt_tui.render.cost import MAX_AT_ONCE, cost
from rustygpt_tui.render.inline import inline, linked
from rustygpt_tui.render.markdown_blocks import inline_tokens, split_blocks
from rustygpt_tui.render.text import clean

MAX_LINKS: Final = 100


def links(text: str) -> list[str]:
    """Return the addresses of a text in order, each once, at most MAX_LINKS.

    Of a long text only those that are written out, which are found without parsing Markdown.
    """
    cleaned = clean(text)
    spans = linked(cleaned) if cost(cleaned) > MAX_AT_ONCE else _spans(cleaned)
    return list(islice(dict.fromkeys(span.link for span in spans if span.link), MAX_LINKS))


def _spans(text: str) -> Iterator[Span]:
    env: dict[str, Any] = {}
    for block in split_blocks(text, env):
        for token in block.tokens:
            if token.type == "inline":
                yield from inline(inline_tokens(token.content, env))
