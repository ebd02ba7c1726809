"""The log files of the embedded PostgreSQL: where they are, and a bound for all of them together.

PostgreSQL starts a new file when one is full, and deletes none. Files are opened below the folder's
descriptor: it belongs to PostgreSQL's user, who may not be ours, and a link that took its
place is not followed.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 8 * 1_048_576
"""Older files are deleted when all files together have more bytes."""
_NAME: Final = re.compile(r"postgresql-[0-9]{8}-[0-9]{6}\.log")
_NAME_FORMAT: Final = "postgresql-%Y%m%d-%H%M%S.log"


def settings(home: Path) -> dict[str, str]:
    """Return PostgreSQL's settings for its log; it creates the folder."""
    return {
        "logging_collector": "on",
        "log_directory": str(_folder_of(home)),
        "log_filename": _NAME_FORMAT,
        "log_file_mode": "0600",
        "log_rotation_age": "0",
        "log_rotation_size": "1MB",
    }


def total_bytes(home: Path) -> int:
    """Return the number of bytes of all log files."""
    with _opened(home) as folder:
        return sum(size for _, size in _list(folder))


def read_last_lines(home: Path, count: int) -> list[str]:
    """Return the last lines of the latest log file."""
    with _opened(home) as folder:
        files = _list(folder)
        if not files:
            return []
        handle = os.open(files[-1][0], os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
    with os.fdopen(handle, encoding="utf-8", errors="replace") as file:
        return file.read().splitlines()[-count:]


def prune(home: Path, max_bytes: int = MAX_BYTES) -> None:
    """Delete the oldest files above the bound; empty the latest if it alone is above it.

    PostgreSQL appends to the latest one, so that it may be emptied at any time.
    """
    with _opened(home) as folder:
        files = _list(folder)
        total = sum(size for _, size in files)
        for name, size in files[:-1]:
            if total <= max_bytes:
                return
            with suppress(FileNotFoundError):  # another process of this database deleted it
                os.unlink(name, dir_fd=folder)
            total -= size
        if total > max_bytes:
            handle = os.open(files[-1][0], os.O_WRONLY | os.O_NOFOLLOW, dir_fd=folder)
            os.ftruncate(handle, 0)
            os.close(handle)


def _folder_of(home: Path) -> Path:
    return home / "logs"


def _list(folder: int | None) -> list[tuple[str, int]]:
    """Return names and sizes, the oldest first; names sort by time."""
    files: list[tuple[str, int]] = []
    if folder is None:
        return files
    names = os.listdir(folder)  # noqa: PTH208 - a descriptor is no path
    for name in sorted(name for name in names if _NAME.fullmatch(name)):
        with suppress(FileNotFoundError):
            files.append((name, os.stat(name, dir_fd=folder, follow_symlinks=False).st_size))
    return files


@contextmanager
def _opened(home: Path) -> Iterator[int | None]:
    """Open the folder; yield None if PostgreSQL has not created it yet."""
    try:
        folder = os.open(
            _folder_of(home), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        )
    except FileNotFoundError:
        yield None
        return
    try:
        yield folder
    finally:
        os.close(folder)
