"""Splits a Markdown text into its top-level blocks and the items of its top-level lists.

A block that is followed by another one is final: CommonMark is parsed line by line, so later text
does not change it. Streaming keeps the rendered lines of such blocks.
"""

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from rustygpt_shared.markdown.parser import make_parser

_MAX_CACHED = 512
"""The number of characters above which tokens are not cached: they take many times the text."""


@dataclass(frozen=True)
class Block:
    """The lines of the text from `start` up to, not including, `end`, and their tokens."""

    start: int
    end: int
    tokens: tuple[Token, ...]
    marker: str = ""
    """The marker of a list item (`-`, `.`, …); empty for other blocks."""
    number: int | None = None
    """The number of an item of an ordered list."""
    continues_list: bool = False
    """True for an item of the same list as the block before."""


@cache
def _inline_parser() -> MarkdownIt:
    """Return the parser of inline markup."""
    return make_parser()


@cache
def _block_parser() -> MarkdownIt:
    """Return the parser of blocks."""
    return make_parser().disable("inline")


def split_blocks(text: str, env: MutableMapping[str, Any]) -> list[Block]:
    """Return the blocks of a text in order; adds the link references it defines to `env`."""
    blocks: list[Block] = []
    tokens = _block_parser().parse(text, env)
    index = 0
    while index < len(tokens):
        end = _end(tokens, index)
        block_tokens = tokens[index:end]
        first = block_tokens[0]
        if first.type in {"bullet_list_open", "ordered_list_open"}:
            blocks.extend(_list_items(block_tokens))
        elif first.map:
            blocks.append(Block(first.map[0], first.map[1], tuple(block_tokens)))
        index = end
    return blocks


def inline_tokens(content: str, env: Mapping[str, Any]) -> Sequence[Token]:
    """Return the tokens inside a paragraph.

    Those of short ones are cached, unless the text has link references.
    """
    if env.get("references") or len(content) > _MAX_CACHED:
        return _inline(content, dict(env))
    return _cached_inline(content)


@lru_cache(maxsize=2048)
def _cached_inline(content: str) -> Sequence[Token]:
    return _inline(content, {})


def _inline(content: str, env: dict[str, Any]) -> Sequence[Token]:
    return _inline_parser().parseInline(content, env)[0].children or ()


def _end(tokens: list[Token], index: int) -> int:
    """Return the index after the block that starts at `index`."""
    open_blocks = 0
    for after in range(index, len(tokens)):
        open_blocks += tokens[after].nesting
        if open_blocks == 0:
            return after + 1
    return len(tokens)


def _list_items(list_tokens: list[Token]) -> Iterator[Block]:
    """Yield each item of a list as a block that is a list of this item only."""
    opening = list_tokens[0]
    closing = list_tokens[-1]
    number = int(opening.attrs.get("start", 1)) if opening.type == "ordered_list_open" else None
    continues_list = False
    index = 1
    while index < len(list_tokens) - 1:
        end = _end(list_tokens, index)
        item = list_tokens[index]
        if item.map:
            tokens = (opening, *list_tokens[index:end], closing)
            start, stop = item.map
            yield Block(start, stop, tokens, opening.markup, number, continues_list)
        number = None if number is None else number + 1
        continues_list = True
        index = end
