"""Renders code blocks to highlighted lines.

Only the first `COLOURED_LINES` lines are highlighted, which bounds the time for one answer. The
limit depends on the text alone, so an open and a closed code block render alike.
"""

from functools import lru_cache
from itertools import islice

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Token, _TokenType
from pygments.util import ClassNotFound

from rustygpt_tui.render import Line, Span
from rustygpt_tui.render.text import TAB, pad, shorten, width
from rustygpt_tui.render.wrap import wrap_code

COLOURED_LINES = 200

_STYLES: dict[_TokenType, str] = {
    Token.Keyword: "code.keyword",
    Token.Keyword.Constant: "code.number",
    Token.Name.Builtin: "code.builtin",
    Token.Name.Class: "code.name",
    Token.Name.Decorator: "code.builtin",
    Token.Name.Exception: "code.name",
    Token.Name.Function: "code.name",
    Token.Name.Namespace: "code.name",
    Token.Name.Tag: "code.keyword",
    Token.Name.Attribute: "code.builtin",
    Token.Literal.String: "code.string",
    Token.Literal.Number: "code.number",
    Token.Operator: "code.operator",
    Token.Operator.Word: "code.keyword",
    Token.Comment: "code.comment",
    Token.Generic.Deleted: "code.deleted",
    Token.Generic.Inserted: "code.inserted",
    Token.Generic.Heading: "code.name",
    Token.Generic.Subheading: "code.name",
}


def code_block(code: str, language: str, limit: int) -> list[Line]:
    """Return a code block on a background, `limit` cells wide, with its language above."""
    lines: list[Line] = []
    if language:
        name = shorten(language, max(1, limit - 2))
        lines.append((Span(pad(f" {name}", limit), "code.block code.language"),))
    for line in highlight(code.removesuffix("\n").replace("\t", TAB), language):
        lines.extend(_with_background(part, limit) for part in wrap_code(line, max(1, limit - 2)))
    return lines


def plain_code(row: str, limit: int) -> list[Line]:
    """Return one line of code without colours, as `code_block` renders lines past the limit."""
    line = (Span(row.replace("\t", TAB)),) if row else ()
    return [_with_background(part, limit) for part in wrap_code(line, max(1, limit - 2))]


def highlight(code: str, language: str) -> list[Line]:
    """Return lines of code with token styles; without styles for an unknown language."""
    lines = code.split("\n")
    lexer = _lexer(language)
    if lexer is None:
        return [(Span(line),) if line else () for line in lines]
    coloured = _colour(lexer, "\n".join(islice(lines, COLOURED_LINES)))
    rest = lines[COLOURED_LINES:]
    return [*coloured, *((Span(line),) if line else () for line in rest)]


def _colour(lexer: Lexer, code: str) -> list[Line]:
    lines: list[list[Span]] = [[]]
    for _, token, value in lexer.get_tokens_unprocessed(code):
        style = _style(token)
        first, *others = value.split("\n")
        if first:
            lines[-1].append(Span(first, style))
        lines.extend([Span(part, style)] if part else [] for part in others)
    return [tuple(line) for line in lines]


@lru_cache(maxsize=1024)
def _style(token: _TokenType) -> str:
    for kind in reversed(token.split()):
        if kind in _STYLES:
            return _STYLES[kind]
    return ""


@lru_cache(maxsize=256)
def _lexer(language: str) -> Lexer | None:
    if not language or language in {"text", "plain", "txt"}:
        return None
    try:
        return get_lexer_by_name(language)
    except ClassNotFound:
        return None


def _with_background(line: Line, limit: int) -> Line:
    """Return a line with the background of code: one cell before it, and padding to the width."""
    spans = [Span(" ", "code.block")]
    spans.extend(span._replace(style=f"code.block {span.style}".rstrip()) for span in line)
    padding = limit - 1 - sum(width(span.text) for span in line)
    spans.append(Span(" " * max(0, padding), "code.block"))
    return tuple(spans)
