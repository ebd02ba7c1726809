"""Text files that are sent with a message, and the fenced blocks that they become in its text."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

_FENCE: Final = re.compile("`{3,}")
_LANGUAGES: Final = {
    "bash": "bash", "c": "c", "cc": "cpp", "cfg": "ini", "cpp": "cpp", "cs": "csharp",
    "css": "css", "diff": "diff", "go": "go", "h": "c", "hpp": "cpp", "hs": "haskell",
    "html": "html", "ini": "ini", "java": "java", "js": "javascript", "json": "json",
    "jsonl": "json", "kt": "kotlin", "lua": "lua", "md": "markdown", "mjs": "javascript",
    "patch": "diff", "php": "php", "pl": "perl", "ps1": "powershell", "py": "python",
    "pyi": "python", "r": "r", "rb": "ruby", "rs": "rust", "scala": "scala", "sh": "bash",
    "sql": "sql", "svg": "xml", "swift": "swift", "tcss": "css", "tf": "terraform",
    "toml": "toml", "ts": "typescript", "tsx": "tsx", "xml": "xml", "yaml": "yaml",
    "yml": "yaml", "zig": "zig", "zsh": "bash",
}  # fmt: skip
"""The languages of code blocks by the suffixes of files."""


class Attachment(NamedTuple):
    """A text, and the name of the file that it comes from; both are clean."""

    name: str
    text: str

    @property
    def block(self) -> str:
        """The text in a fence that is longer than any in it, below its name."""
        longest = max((len(run) for run in _FENCE.findall(self.text)), default=2)
        fence = "`" * (longest + 1)
        language = _LANGUAGES.get(self.name.rpartition(".")[2].lower(), "")
        return f"{self.name}:\n{fence}{language}\n{self.text}\n{fence}"


def with_attachments(text: str, attachments: Iterable[Attachment]) -> str:
    """Return the text of a message with its attachments below it."""
    return "\n\n".join([*filter(None, [text]), *(a.block for a in attachments)])
