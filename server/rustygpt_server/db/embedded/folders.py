"""Folders of the embedded PostgreSQL, and the user that it runs as.

Only folders that this module creates get a mode from it.
"""

import os
import pwd
import secrets
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Final

from rustygpt_server.db.embedded.owned_folder import (
    EmbeddedError,
    OwnedFolder,
    Owner,
    create_folder,
)

_SOCKET_NAME: Final = ".s.PGSQL.5432"
_SOCKET_PATH_BYTES: Final = 100
_MIN_FREE_BYTES: Final = 16 << 20
"""PostgreSQL needs new segments of its write-ahead log, which have this size."""
_SERVICE_USERS: Final = ("rustygpt", "postgres", "nobody")


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
            create_folder(each, owner)
        status = folder.lstat()
    except OSError as error:
        raise EmbeddedError(f"{folder} cannot be created: {error.strerror}.") from error
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != owner.uid or status.st_mode & 0o077:
        raise EmbeddedError(
            f"{folder} has to be a folder of the user {owner.uid} that no other user may enter "
            "(mode 0700); move it away, or set db.data_dir to another folder."
        )


def has_space(folder: Path) -> bool:
    """Return whether the disk of a folder has space for PostgreSQL to start and to go on."""
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    return shutil.disk_usage(existing).free >= _MIN_FREE_BYTES


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
    files = OwnedFolder(home, owner)
    earlier = files.read_text("socket-folder")
    if earlier and _is_private(Path(earlier), owner):
        return Path(earlier)
    short = Path(tempfile.gettempdir(), f"rustygpt-{secrets.token_hex(4)}")
    create_folder(short, owner)
    files.write_text("socket-folder", str(short))
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
