r"""Formulas: `$…$`, `$$…$$`, `\(…\)` and `\[…\]` keep every character as it is written.

Without this `_` and `*` would be emphasis, and a backslash would escape what follows it.
"""

from typing import Final

from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

MAX_LENGTH: Final = 2_000
"""A formula within a paragraph is at most this long, which bounds the search for its end."""
_BLOCKS: Final = {"$$": "$$", "\\[": "\\]"}
"""The lines that begin a formula, and those that end it."""
_PAIRS: Final = {"$$": "$$", "\\(": "\\)", "\\[": "\\]"}


def math_inline(state: StateInline, silent: bool) -> bool:
    """Read a formula within a paragraph."""
    end = _end(state.src, state.pos)
    if end < 0:
        return False
    if not silent:
        token = state.push("math", "", 0)
        token.content = state.src[state.pos : end]
    state.pos = end
    return True


def _end(text: str, start: int) -> int:
    """Return the index after a formula that begins at `start`, -1 when none does."""
    closing = _PAIRS.get(text[start : start + 2])
    if closing:
        end = text.find(closing, start + 2, start + MAX_LENGTH)
        return end + 2 if end > start + 2 else -1
    if text[start] != "$" or text[start + 1 : start + 2].isspace():
        return -1
    # An amount of money is no formula: a space before the second sign, or a digit after it.
    end = text.find("$", start + 1, start + MAX_LENGTH)
    if end <= start + 1 or text[end - 1].isspace() or text[end + 1 : end + 2].isdigit():
        return -1
    return end + 1


def math_block(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:  # noqa: N803
    """Read a formula whose signs have lines of their own; like a fence, it may stay open."""
    closing = None if state.is_code_block(startLine) else _BLOCKS.get(_line(state, startLine))
    if closing is None:
        return False
    if silent:
        return True
    line = startLine + 1
    while line < endLine and (state.isEmpty(line) or state.sCount[line] >= state.blkIndent):
        line += 1
        if _line(state, line - 1) == closing:
            break
    token = state.push("math_block", "", 0)
    token.content = state.getLines(startLine, line, state.blkIndent, keepLastLF=True)
    token.map = [startLine, line]
    state.line = line
    return True


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]].rstrip()
