"""Extracts the code blocks of a Markdown text for copying."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rustygpt_tui.render.cost import MAX_AT_ONCE, cost
from rustygpt_tui.render.markdown_blocks import split_blocks
from rustygpt_tui.render.text import clean

_OPENING = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*([^\s`]*)[^`]*")


@dataclass(frozen=True)
class CodeBlock:
    """A code block; `language` is the first word after the opening fence, or empty."""

    code: str
    language: str = ""

    @property
    def lines(self) -> int:
        """The number of lines."""
        return self.code.count("\n") + bool(self.code and not self.code.endswith("\n"))


def code_blocks(text: str) -> list[CodeBlock]:
    """Return all code blocks of a text in order, also those in lists and quotes.

    Of a long text only fenced ones that are at the margin, which are found line by line.
    """
    cleaned = clean(text)
    if cost(cleaned) > MAX_AT_ONCE:
        return list(_fences(cleaned))
    result: list[CodeBlock] = []
    for block in split_blocks(cleaned, {}):
        for token in block.tokens:
            if token.type in {"fence", "code_block"}:
                info = token.info.split() if token.type == "fence" else []
                result.append(CodeBlock(token.content, info[0] if info else ""))
    return result


def _fences(text: str) -> Iterator[CodeBlock]:
    opening: re.Match[str] | None = None
    rows: list[str] = []
    for row in [*text.split("\n"), None]:
        if opening is None:
            opening = _OPENING.fullmatch(row or "")
        elif row is None or (row.strip().startswith(opening[1]) and not row.strip(" `~")):
            yield CodeBlock("".join(f"{line}\n" for line in rows), opening[2])
            opening, rows = None, []
        else:
            rows.append(row)
