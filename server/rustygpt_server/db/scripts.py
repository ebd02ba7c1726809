"""The SQL scripts of a release as files: their order, names and checksums.

This module does not use the database; `bootstrap` applies the scripts.
"""

from hashlib import sha256
from pathlib import Path
from typing import Final

from msgspec import Struct

STAGES: Final = ("schema", "procedures", "indexes", "seed")


class Script(Struct, frozen=True):
    """A file of SQL; `name` is its path relative to the folder of scripts."""

    name: str
    stage: str
    text: str
    sha256: str

    @property
    def procedure(self) -> str | None:
        """The procedure that a file of procedures creates; it has the name of the file."""
        return Path(self.name).stem if self.stage == "procedures" else None


def read_stage(folder: Path, stage: str) -> list[Script]:
    """Return the scripts of one stage, in the order in which they are applied."""
    files = sorted((folder / stage).rglob("*.sql"), key=lambda file: file.relative_to(folder).parts)
    return [read_script(folder, file) for file in files]


def read_script(folder: Path, file: Path) -> Script:
    """Return one script; line ends are normalised, so that checksums are the same everywhere."""
    name, text = file.relative_to(folder).as_posix(), file.read_text("utf-8")
    return Script(name, name.split("/")[0], text, sha256(text.encode()).hexdigest())


def location(script: Script, position: str | int | None) -> str:
    """Return `file:line` of a character position (1 is the first), or the file alone."""
    if not position:
        return script.name
    return f"{script.name}:{script.text[: int(position) - 1].count(chr(10)) + 1}"
