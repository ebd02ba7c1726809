"""Highlights code; imported by the rendering process only, as lexers may take any time.

A lexer that changes the text of the code is not used: colours never change the rows of a message.
"""

from functools import lru_cache
from itertools import islice

from pygments.lexer import Lexer
from pygments.token import Token, _TokenType

from rustygpt_shared.lexers import lexer_of
from rustygpt_tui.render import Line, Span, plain
from rustygpt_tui.render.code import COLOURED_LINES

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


def highlight(code: str, language: str) -> list[Line]:
    """Return lines of code with token styles; without styles for an unknown language."""
    lines = code.split("\n")
    lexer = lexer_of(language)
    head = lines[:COLOURED_LINES]
    coloured = _colour(lexer, "\n".join(head)) if lexer else []
    if [plain(line) for line in coloured] != head:
        coloured = [(Span(line),) if line else () for line in head]
    rest = islice(lines, COLOURED_LINES, None)
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
