"""Paths of local files as users type, paste or drop them. All functions block."""

import os
import shlex
import stat
from contextlib import suppress
from itertools import islice, takewhile
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

MAX_PATH: Final = 4_096
MAX_LISTED: Final = 10_000
"""Entries of a folder that are looked at to complete a name."""


def typed_path(text: str) -> Path:
    """Return the absolute path of what was typed; `~` is the home folder."""
    path = Path(text.strip())
    with suppress(RuntimeError):  # there is no such user: then it is a name
        path = path.expanduser()
    return path.absolute()


def completed(text: str) -> str:
    """Return a typed path with its last name completed as far as it is unique; else unchanged."""
    folder, _, start = text.rpartition("/")
    shown = f"{folder}/" if "/" in text else ""
    names: list[str] = []
    with suppress(OSError, ValueError), os.scandir(typed_path(shown or ".")) as entries:
        for entry in islice(entries, MAX_LISTED):
            is_hidden = entry.name.startswith(".") and not start.startswith(".")
            if entry.name.startswith(start) and not is_hidden and entry.name.isprintable():
                names.append(f"{entry.name}/" if entry.is_dir() else entry.name)
    return shown + _common_start(names) if names else text


def _common_start(names: list[str]) -> str:
    first, last = min(names), max(names)
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return "".join(character for character, _ in pairs)


def pasted_file(text: str) -> Path | None:
    """Return the file whose path a pasted text is, as terminals paste a dropped file; else None."""
    line = text.strip()
    if not line or len(line) > MAX_PATH or "\n" in line:
        return None
    return next((path for path in _readings(line) if _is_file(path)), None)


def _readings(line: str) -> list[Path]:
    """Return the paths that a line may mean: as it is, quoted for a shell, or as an address."""
    readings = [line]
    with suppress(ValueError):
        words = shlex.split(line)
        readings += words if len(words) == 1 else []
    if line.startswith("file://"):
        with suppress(ValueError):
            readings = [unquote(urlsplit(line).path)]
    return [typed_path(reading) for reading in readings if reading.startswith(("/", "~"))]


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False
