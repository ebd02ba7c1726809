"""The pieces of code in a Markdown text, as they were written: for copying."""

from dataclasses import dataclass

from rustygpt_tui.render.markdown_blocks import split_blocks
from rustygpt_tui.render.text import clean


@dataclass(frozen=True)
class CodeBlock:
    """A block of code; `language` is what the fence calls it, empty where it says nothing."""

    code: str
    language: str = ""

    @property
    def lines(self) -> int:
        """How many lines it has."""
        return self.code.count("\n") + bool(self.code and not self.code.endswith("\n"))


def code_blocks(text: str) -> list[CodeBlock]:
    """All blocks of code of a text, in order, those in lists and quotes too."""
    found: list[CodeBlock] = []
    for unit in split_blocks(clean(text), {}):
        for token in unit.tokens:
            if token.type in {"fence", "code_block"}:
                words = token.info.split() if token.type == "fence" else []
                found.append(CodeBlock(token.content, words[0] if words else ""))
    return found
