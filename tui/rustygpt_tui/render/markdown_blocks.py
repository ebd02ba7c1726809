"""A Markdown text taken apart into units: its top-level blocks, and the items of top-level lists.

A unit once followed by another never changes by what comes after it (CommonMark is read line by
line), which is what lets a growing text keep the lines it has.
"""

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token


@dataclass(frozen=True)
class Block:
    """Lines `start` to `end` of the text, and their tokens; `number` is an ordered item's own."""

    start: int
    end: int
    tokens: tuple[Token, ...]
    marker: str = ""
    """What a list's items begin with (`-`, `.`, …); empty for other blocks."""
    number: int | None = None
    continues_list: bool = False
    """Whether it is a further item of the same list as the unit before."""


@cache
def _inline_parser() -> MarkdownIt:
    """The Markdown we read: CommonMark with tables and strike-through; HTML is text."""
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


@cache
def _block_parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable(["inline"])


def split_blocks(text: str, env: MutableMapping[str, Any]) -> list[Block]:
    """The units of a text, in order; `env` gathers the references it defines."""
    found: list[Block] = []
    tokens = _block_parser().parse(text, env)
    index = 0
    while index < len(tokens):
        end = _end(tokens, index)
        block = tokens[index:end]
        if block[0].type in {"bullet_list_open", "ordered_list_open"}:
            found.extend(_list_items(block))
        elif block[0].map:
            found.append(Block(block[0].map[0], block[0].map[1], tuple(block)))
        index = end
    return found


def inline_tokens(content: str, env: Mapping[str, Any]) -> Sequence[Token]:
    """The tokens inside a paragraph; kept for a while when they hang on no reference."""
    return _inline(content, dict(env)) if env.get("references") else _cached_inline(content)


@lru_cache(maxsize=2048)
def _cached_inline(content: str) -> Sequence[Token]:
    return _inline(content, {})


def _inline(content: str, env: dict[str, Any]) -> Sequence[Token]:
    return _inline_parser().parseInline(content, env)[0].children or ()


def _end(tokens: list[Token], index: int) -> int:
    """The index after the block that starts here."""
    open_blocks = 0
    for after in range(index, len(tokens)):
        open_blocks += tokens[after].nesting
        if open_blocks == 0:
            return after + 1
    return len(tokens)


def _list_items(block: list[Token]) -> Iterator[Block]:
    opening, closing = block[0], block[-1]
    number = int(opening.attrs.get("start", 1)) if opening.type == "ordered_list_open" else None
    follows = False
    index = 1
    while index < len(block) - 1:
        end = _end(block, index)
        item = block[index]
        if item.map:
            tokens = (opening, *block[index:end], closing)
            yield Block(item.map[0], item.map[1], tokens, opening.markup, number, follows)
        number = None if number is None else number + 1
        follows = True
        index = end
