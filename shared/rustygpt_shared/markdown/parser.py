"""The parser of the dialect."""

from typing import Final

from markdown_it import MarkdownIt
from markdown_it.parser_block import ParserBlock
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Scanned
from markdown_it.token import Token
from markdown_it.utils import EnvType

from rustygpt_shared.markdown.blocks import definition, table
from rustygpt_shared.markdown.east_asian import scan_delimiters
from rustygpt_shared.markdown.math import math_block, math_inline

MAX_NESTING: Final = 20
"""Content of quotes and lists that is nested deeper is shown as it is written."""


def make_parser() -> MarkdownIt:
    """Return a parser; the tokens `definition`, `math` and `math_block` are of the dialect."""
    parser = MarkdownIt("zero")
    parser.block = _BlockParser()
    parser.inline = _InlineParser()
    parser.configure("commonmark", {"html": False, "maxNesting": MAX_NESTING})
    parser.enable(["table", "strikethrough"])
    parser.block.ruler.at("table", table, {"alt": ["paragraph", "reference"]})
    parser.block.ruler.at("reference", definition)
    interrupts = ["paragraph", "reference", "blockquote", "list"]
    parser.block.ruler.before("fence", "math_block", math_block, {"alt": interrupts})
    parser.block.ruler.enable("math_block")
    parser.inline.ruler.before("escape", "math", math_inline)
    parser.inline.ruler.enable("math")
    return parser


class _BlockParser(ParserBlock):
    """Keeps what is nested too deeply, which the library would drop."""

    def tokenize(self, state: StateBlock, startLine: int, endLine: int) -> None:  # noqa: N803
        if state.level < state.md.options.maxNesting:
            super().tokenize(state, startLine, endLine)
            return
        start = end = state.skipEmptyLines(startLine)
        while end < endLine and (state.isEmpty(end) or state.sCount[end] >= state.blkIndent):
            end += 1
        if end > start:
            token = state.push("code_block", "code", 0)
            token.content = state.getLines(start, end, state.blkIndent, keepLastLF=True)
            token.map = [start, end]
        state.line = end


class _InlineParser(ParserInline):
    """Lets emphasis begin and end beside East Asian characters."""

    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        state = _InlineState(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


class _InlineState(StateInline):
    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:  # noqa: N802, N803
        scanned = super().scanDelims(start, canSplitWord)
        return scan_delimiters(self.src, start, scanned) if canSplitWord else scanned
