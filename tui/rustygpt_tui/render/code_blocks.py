"""Extracts the code blocks of a Markdown text for copying."""

from dataclasses import dataclass

from rustygpt_tui.render.markdown_blocks import split_blocks
from rustygpt_tui.render.text import clean


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
    """Return all code blocks of a text in order, also those in lists and quotes."""
    result: list[CodeBlock] = []
    for block in split_blocks(clean(text), {}):
        for token in block.tokens:
            if token.type in {"fence", "code_block"}:
                info = token.info.split() if token.type == "fence" else []
                result.append(CodeBlock(token.content, info[0] if info else ""))
    return result
