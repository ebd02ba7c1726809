"""Folders and the user that PostgreSQL runs as. Only folders we make get a mode from us."""

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
    """Ourselves; for root, whom PostgreSQL refuses, who has the data already or a service user."""
    if os.geteuid() != 0:
        return Owner(os.geteuid(), os.getegid(), switch=False)
    if home.exists() and home.stat().st_uid != 0:
        found = home.stat()
        return Owner(found.st_uid, found.st_gid, switch=True)
    for name in _SERVICE_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Owner(entry.pw_uid, entry.pw_gid, switch=True)
    raise EmbeddedError(
        "PostgreSQL does not run as root, and this machine has no user for it; "
        "make one named rustygpt, or set db.url to a PostgreSQL of yours."
    )


def make_private(folder: Path, owner: Owner) -> None:
    """Make a folder of mode 0700 for the owner, with its parents; an existing one stays as it is.

    Raises EmbeddedError for an existing one that others may write in or that is not the owner's.
    """
    missing = [p for p in (folder, *folder.parents) if not p.exists()]
    try:
        for each in reversed(missing):
            _make(each, owner)
        found = folder.lstat()
    except OSError as error:
        raise EmbeddedError(f"{folder} cannot be made: {error.strerror}.") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner.uid or found.st_mode & 0o077:
        raise EmbeddedError(
            f"{folder} has to be a folder of the user {owner.uid} that nobody else may enter "
            "(mode 0700); move it away, or set db.data_dir to another folder."
        )


def _make(folder: Path, owner: Owner) -> None:
    """Make it aside and put it in place, so that others never see it with another owner."""
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
    """Hand a new file or folder to PostgreSQL's user."""
    if owner.switch:
        os.chown(path, owner.uid, owner.gid)


def may_reach(path: Path, owner: Owner) -> bool:
    """Whether PostgreSQL's user may go through all folders above a path, and into it."""
    if not owner.switch:
        return True
    return all(_may_enter(each.stat(), owner) for each in (path, *path.parents) if each.is_dir())


def _may_enter(found: os.stat_result, owner: Owner) -> bool:
    if found.st_uid == owner.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == owner.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def socket_folder(home: Path, owner: Owner) -> Path:
    """A private folder whose path is short enough for a socket in it; kept for the next start."""
    near = home / "socket"
    if len(os.fsencode(near / _SOCKET_NAME)) <= _SOCKET_PATH_BYTES:
        make_private(near, owner)
        return near
    note = home / "socket-folder"
    if note.exists():
        kept = Path(note.read_text("utf-8"))
        if _is_private(kept, owner):
            return kept
    short = Path(tempfile.mkdtemp(prefix="rustygpt-"))
    chown(short, owner)
    note.write_text(str(short), "utf-8")
    return short


def socket_path(folder: Path) -> Path:
    """The socket PostgreSQL makes in a folder."""
    return folder / _SOCKET_NAME


def _is_private(folder: Path, owner: Owner) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == owner.uid and not found.st_mode & 0o077
