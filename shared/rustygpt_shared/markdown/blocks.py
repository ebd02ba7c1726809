"""Block rules that keep what CommonMark and GitHub's tables drop."""

from markdown_it import rules_block
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.table import escapedSplit
from markdown_it.token import Token


def definition(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:  # noqa: N803
    """Read a link definition, and keep its source as a token; a footnote is text."""
    if state.src.startswith("[^", state.bMarks[startLine] + state.tShift[startLine]):
        return False
    if not rules_block.reference(state, startLine, endLine, silent):
        return False
    if not silent:
        token = state.push("definition", "", 0)
        token.content = state.getLines(startLine, state.line, state.blkIndent, keepLastLF=False)
        token.map = [startLine, state.line]
    return True


def table(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:  # noqa: N803
    """Read a table; cells beyond its last column are added to the cell of that column."""
    first = len(state.tokens)
    if not rules_block.table(state, startLine, endLine, silent):
        return False
    columns = 0
    last_cell: Token | None = None
    line = 0
    for token in state.tokens[first:]:
        if token.type == "th_open":
            columns += 1
        elif token.type == "tr_open" and token.map:
            line = token.map[0]
        elif token.type == "inline":
            last_cell = token
        elif token.type == "tr_close" and last_cell is not None:
            surplus = _cells(state, line)[columns:]
            if surplus:
                last_cell.content = " | ".join([last_cell.content, *surplus])
    return True


def _cells(state: StateBlock, line: int) -> list[str]:
    source = state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].strip()
    cells = [cell.strip() for cell in escapedSplit(source)]
    return cells[not cells[0] : len(cells) - (not cells[-1])]
