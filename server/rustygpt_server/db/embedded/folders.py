"""Folders of the embedded PostgreSQL, and the user that it runs as.

Only folders that this module creates get a mode from it.
"""

import errno
import os
import pwd
import stat
import tempfile
from pathlib import Path
from typing import Final

from msgspec import Struct

from rustygpt_server.errors import StartupError

_SOCKET_NAME: Final = ".s.PGSQL.5432"
_SOCKET_PATH_BYTES: Final = 100
_SERVICE_USERS: Final = ("rustygpt", "postgres", "nobody")


class EmbeddedError(StartupError):
    """The embedded PostgreSQL cannot run here; the message says why and what helps."""


class Owner(Struct, frozen=True):
    """The user that PostgreSQL runs as; `switch` when that is not ourselves."""

    uid: int
    gid: int
    switch: bool


def owner_of(home: Path) -> Owner:
    """Return the user that PostgreSQL runs as.

    This is the current user. PostgreSQL refuses root: then it is the owner of existing data, or a
    service user.
    """
    if os.geteuid() != 0:
        return Owner(os.geteuid(), os.getegid(), switch=False)
    if home.exists() and home.stat().st_uid != 0:
        data = home.stat()
        return Owner(data.st_uid, data.st_gid, switch=True)
    for name in _SERVICE_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Owner(entry.pw_uid, entry.pw_gid, switch=True)
    raise EmbeddedError(
        "PostgreSQL does not run as root, and this machine has no user for it; "
        "create one named rustygpt, or set db.url to a PostgreSQL of your own."
    )


def make_private(folder: Path, owner: Owner) -> None:
    """Create a folder of mode 0700 for the owner, with its parents; an existing one stays as it is.

    Raises EmbeddedError for an existing folder that others may enter or that is not the owner's.
    """
    missing = [p for p in (folder, *folder.parents) if not p.exists()]
    try:
        for each in reversed(missing):
            _make(each, owner)
        status = folder.lstat()
    except OSError as error:
        raise EmbeddedError(f"{folder} cannot be created: {error.strerror}.") from error
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != owner.uid or status.st_mode & 0o077:
        raise EmbeddedError(
            f"{folder} has to be a folder of the user {owner.uid} that no other user may enter "
            "(mode 0700); move it away, or set db.data_dir to another folder."
        )


def _make(folder: Path, owner: Owner) -> None:
    """Create a folder under another name and rename it, so that it never has another owner."""
    partial = Path(tempfile.mkdtemp(prefix=".rustygpt-", dir=folder.parent))
    chown(partial, owner)
    try:
        partial.rename(folder)
    except FileExistsError:
        partial.rmdir()
    except OSError as error:
        partial.rmdir()
        if error.errno != errno.ENOTEMPTY:
            raise


def chown(path: Path, owner: Owner) -> None:
    """Give a new file or folder to PostgreSQL's user."""
    if owner.switch:
        os.chown(path, owner.uid, owner.gid)


def may_reach(path: Path, owner: Owner) -> bool:
    """Return whether PostgreSQL's user may enter a path and all folders above it."""
    if not owner.switch:
        return True
    return all(_may_enter(each.stat(), owner) for each in (path, *path.parents) if each.is_dir())


def _may_enter(status: os.stat_result, owner: Owner) -> bool:
    if status.st_uid == owner.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == owner.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def socket_folder(home: Path, owner: Owner) -> Path:
    """Return a private folder whose path is short enough for a socket, the same at each start."""
    near = home / "socket"
    if len(os.fsencode(near / _SOCKET_NAME)) <= _SOCKET_PATH_BYTES:
        make_private(near, owner)
        return near
    path_file = home / "socket-folder"
    if path_file.exists():
        earlier = Path(path_file.read_text("utf-8"))
        if _is_private(earlier, owner):
            return earlier
    short = Path(tempfile.mkdtemp(prefix="rustygpt-"))
    chown(short, owner)
    path_file.write_text(str(short), "utf-8")
    return short


def socket_path(folder: Path) -> Path:
    """Return the path of the socket that PostgreSQL creates in a folder."""
    return folder / _SOCKET_NAME


def _is_private(folder: Path, owner: Owner) -> bool:
    try:
        status = folder.lstat()
    except OSError:
        return False
    is_own = status.st_uid == owner.uid and not status.st_mode & 0o077
    return stat.S_ISDIR(status.st_mode) and is_own
