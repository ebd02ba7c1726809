"""Who uses an embedded PostgreSQL: processes by pid and start time, under one lock.

A process that died is noticed by that pair, also when its pid was given to another since.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rustygpt_server.db.embedded import processes


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """One process at a time starts, adopts or stops the database of this folder."""
    with (home / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def add(home: Path) -> None:
    """Note this process as a user; call it under the lock."""
    _write(home, [*_living(home), _name(os.getpid())])


def remove(home: Path) -> bool:
    """Take this process out once; answers whether no living user is left. Under the lock."""
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
