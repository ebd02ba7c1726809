"""Renders Markdown to lines of a given width.

Each block of a text (`markdown_blocks`) is rendered separately, with one empty line between blocks
and none between list items. A complete text and a growing one render by the same rule.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from markdown_it.tree import SyntaxTreeNode

from rustygpt_tui.render import Line, Span, restyle
from rustygpt_tui.render.code import Colours, code_block, no_colours
from rustygpt_tui.render.inline import inline
from rustygpt_tui.render.markdown_blocks import Block, inline_tokens, split_blocks
from rustygpt_tui.render.table import table
from rustygpt_tui.render.text import clean
from rustygpt_tui.render.wrap import wrap

_BULLETS = "•◦▪"
_MAX_DEPTH = 12
"""Quotes and lists nested deeper are not indented further."""
_TASKS = {"[ ] ": "☐ ", "[x] ": "☑ ", "[X] ": "☑ "}


def render(text: str, limit: int, colours: Colours = no_colours) -> list[Line]:
    """Return the lines of a Markdown text, at most `limit` cells wide; none for an empty text.

    The time depends on the text: `text_renderer` bounds it where a person waits for keys.
    """
    env: dict[str, Any] = {}
    lines: list[Line] = []
    for block in split_blocks(clean(text), env):
        lines.extend(render_block(block, limit, env, colours, first=not lines))
    return lines


def render_block(
    block: Block,
    limit: int,
    env: Mapping[str, Any],
    colours: Colours = no_colours,
    *,
    first: bool,
) -> list[Line]:
    """Return the lines of one block and the empty line before it.

    `env` has the link references of the text; `first` omits the empty line.
    """
    nodes = SyntaxTreeNode(block.tokens).children
    lines = list(_BlockRenderer(env, colours).blocks(nodes, max(limit, 1), 0, block.number))
    return lines if first or block.continues_list else [(), *lines]


class _BlockRenderer:
    """Renders the syntax tree of blocks, with the link references in `env`."""

    def __init__(self, env: Mapping[str, Any], colours: Colours) -> None:
        self._env = env
        self._colours = colours

    def blocks(
        self, nodes: list[SyntaxTreeNode], limit: int, depth: int, number: int | None = None
    ) -> Iterator[Line]:
        before: SyntaxTreeNode | None = None
        for node in nodes:
            if before and not (before.type == "paragraph" and node.type.endswith("_list")):
                yield ()
            yield from self._block(node, limit, depth, number)
            before = node

    def _block(
        self, node: SyntaxTreeNode, limit: int, depth: int, number: int | None
    ) -> Iterator[Line]:
        match node.type:
            case "heading":
                for line in self._text(node, limit):
                    yield restyle(line, f"heading {node.tag}")
            case "blockquote":
                yield from self._quote(node, limit, depth)
            case "bullet_list" | "ordered_list":
                yield from self._list(node, limit, depth, number)
            case "hr":
                yield (Span("─" * limit, "rule"),)
            case "table":
                yield from self._table(node, limit)
            case _:
                yield from self._leaf(node, limit)

    def _leaf(self, node: SyntaxTreeNode, limit: int) -> list[Line]:
        """Return the lines of a block that has no other blocks in it."""
        match node.type:
            case "fence" | "code_block" | "math_block":
                info = clean(node.info) if node.type == "fence" else ""
                return code_block(clean(node.content), info, limit, self._colours)
            case "definition":
                return wrap([Span(clean(node.content), "link.address")], limit)
            case _:
                return self._text(node, limit)

    def _text(self, node: SyntaxTreeNode, limit: int) -> list[Line]:
        return wrap(self._spans(node), limit)

    def _spans(self, node: SyntaxTreeNode) -> list[Span]:
        for child in node.children:
            if child.type == "inline":
                return inline(inline_tokens(child.content, self._env))
        return []

    def _quote(self, node: SyntaxTreeNode, limit: int, depth: int) -> Iterator[Line]:
        bar = "▌ " if depth < _MAX_DEPTH else ""
        for line in self.blocks(node.children, max(1, limit - len(bar)), depth + 1):
            yield (Span(bar, "quote.bar"), *restyle(line, "quote"))

    def _list(
        self, node: SyntaxTreeNode, limit: int, depth: int, number: int | None
    ) -> Iterator[Line]:
        start = number if number is not None else int(node.attrs.get("start", 1))
        for index, item in enumerate(node.children):
            ordered = node.type == "ordered_list"
            marker = f"{start + index}." if ordered else _BULLETS[min(depth, len(_BULLETS) - 1)]
            yield from self._item(item, marker, limit, depth)

    def _item(self, item: SyntaxTreeNode, marker: str, limit: int, depth: int) -> Iterator[Line]:
        head = f"{marker} " if depth < _MAX_DEPTH else ""
        lines = list(self.blocks(item.children, max(1, limit - len(head)), depth + 1)) or [()]
        box = _TASKS.get(lines[0][0].text[:4]) if lines[0] else None
        if box and len(head) == len(box):
            head = box
            lines[0] = (_without_brackets(lines[0][0]), *lines[0][1:])
        yield (Span(head, "list.marker"), *lines[0])
        for line in lines[1:]:
            yield (Span(" " * len(head), "hang"), *line) if line else ()

    def _table(self, node: SyntaxTreeNode, limit: int) -> list[Line]:
        rows = [row for part in node.children for row in part.children]
        cells = [[_without_tabs(self._spans(cell)) for cell in row.children] for row in rows]
        aligns = [_align(cell) for cell in rows[0].children]
        return table(cells[0], cells[1:], aligns, limit)


def _without_tabs(spans: list[Span]) -> list[Span]:
    """Return the spans of a cell with spaces for tabs, which have no width of their own."""
    return [span._replace(text=span.text.replace("\t", " ")) for span in spans]


def _without_brackets(span: Span) -> Span:
    """Return the first span of a task without its box, which replaces the bullet."""
    return span._replace(text=span.text[4:])


def _align(cell: SyntaxTreeNode) -> str:
    return str(cell.attrs.get("style", "")).removeprefix("text-align:") or "left"
