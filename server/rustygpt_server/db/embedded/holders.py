"""The processes that use an embedded PostgreSQL: pid and start time, under one lock.

The pair identifies a process also after its pid has been given to another one.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from rustygpt_server.db.embedded import processes
from rustygpt_server.db.embedded.owned_folder import OwnedFolder


@contextmanager
def locked(home: OwnedFolder) -> Iterator[None]:
    """Hold the lock under which the database of this folder is started, adopted or stopped."""
    with home.opened_file("lock") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def add(home: OwnedFolder) -> None:
    """Add this process to the holders. Call it under the lock."""
    _write(home, [*_living(home), _name(os.getpid())])


def remove(home: OwnedFolder) -> bool:
    """Remove this process; return whether no living holder is left. Call it under the lock."""
    living, me = _living(home), _name(os.getpid())
    if me in living:
        living.remove(me)
    _write(home, living)
    return not living


def _living(home: OwnedFolder) -> list[str]:
    lines = (home.read_text("holders") or "").splitlines()
    return [line for line in lines if _is_living(line)]


def _is_living(line: str) -> bool:
    pid = line.partition(" ")[0]
    return pid.isascii() and pid.isdigit() and line == _name(int(pid))


def _write(home: OwnedFolder, names: list[str]) -> None:
    home.write_text("holders", "".join(f"{name}\n" for name in names))


def _name(pid: int) -> str:
    return f"{pid} {processes.start_time(pid)}"
