"""The processes that use an embedded PostgreSQL: pid and start time, under one lock.

The pair identifies a process also after its pid has been given to another one.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rustygpt_server.db.embedded import processes


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold the lock under which the database of this folder is started, adopted or stopped."""
    with (home / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def add(home: Path) -> None:
    """Add this process to the holders. Call it under the lock."""
    _write(home, [*_living(home), _name(os.getpid())])


def remove(home: Path) -> bool:
    """Remove this process; return whether no living holder is left. Call it under the lock."""
    living, me = _living(home), _name(os.getpid())
    if me in living:
        living.remove(me)
    _write(home, living)
    return not living


def _living(home: Path) -> list[str]:
    file = home / "holders"
    lines = file.read_text("ascii").splitlines() if file.exists() else []
    return [line for line in lines if line and line == _name(int(line.split()[0]))]


def _write(home: Path, names: list[str]) -> None:
    partial = home / "holders.partial"
    partial.write_text("".join(f"{name}\n" for name in names), "ascii")
    partial.replace(home / "holders")


def _name(pid: int) -> str:
    return f"{pid} {processes.start_time(pid)}"
