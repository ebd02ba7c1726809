"""A folder of another user, in which root reads and writes files without being led elsewhere.

The embedded PostgreSQL's folder belongs to the user that PostgreSQL runs as. As root we write
files there: a link in a file's place must not lead a write, or a change of owner, to a file of
ours. So the folder is opened once, and everything in it is reached by that descriptor.
"""

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from rustygpt_server.errors import StartupError

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
"""Without O_NONBLOCK, opening a named pipe would wait for its other end."""
_LINKED: Final = frozenset({errno.ELOOP, errno.ENOTDIR, errno.EMLINK})


class EmbeddedError(StartupError):
    """The embedded PostgreSQL cannot run here; the message says why and what helps."""


class Owner(Struct, frozen=True):
    """The user that PostgreSQL runs as; `switch` when that is not ourselves."""

    uid: int
    gid: int
    switch: bool


class OwnedFolder:
    """A folder whose files belong to `owner`. Methods take names of files, not paths.

    Each raises EmbeddedError when the folder, or a file, is a link or does not belong to the owner.
    """

    def __init__(self, path: Path, owner: Owner) -> None:
        self.path = path
        self._owner = owner

    def read_text(self, name: str) -> str | None:
        """Return the text of a file, or None when there is none."""
        with self._opened() as folder:
            try:
                handle = self._open_file(name, os.O_RDONLY, folder)
            except FileNotFoundError:
                return None
            with os.fdopen(handle, encoding="utf-8", errors="replace") as file:
                return file.read()

    def write_text(self, name: str, text: str) -> None:
        """Write a file of mode 0600 under another name, and rename it when it is complete."""
        partial = f"{name}.partial"
        with self._opened() as folder:
            with suppress(FileNotFoundError):
                os.unlink(partial, dir_fd=folder)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FILE
            handle = os.open(partial, flags, 0o600, dir_fd=folder)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                self._give(handle)
            os.replace(partial, name, src_dir_fd=folder, dst_dir_fd=folder)

    @contextmanager
    def opened_file(self, name: str) -> Iterator[int]:
        """Yield the descriptor of a file for writing, which is created when there is none."""
        with self._opened() as folder:
            handle = self._open_file(name, os.O_RDWR | os.O_CREAT, folder)
        try:
            if self._owner.switch and os.fstat(handle).st_uid == os.geteuid():
                self._give(handle)
            yield handle
        finally:
            os.close(handle)

    def has(self, name: str) -> bool:
        """Return whether there is a file or a folder of this name; a link is neither."""
        with self._opened() as folder:
            try:
                status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                return False
        return not stat.S_ISLNK(status.st_mode)

    def rename(self, name: str, new_name: str) -> None:
        """Rename a file or a folder."""
        with self._opened() as folder:
            os.rename(name, new_name, src_dir_fd=folder, dst_dir_fd=folder)

    def remove(self, name: str) -> None:
        """Remove a file, a link, or a folder with all that is in it; nothing when there is none."""
        with self._opened() as folder:
            try:
                os.unlink(name, dir_fd=folder)
            except FileNotFoundError:
                return
            except (IsADirectoryError, PermissionError):  # the latter on macOS
                shutil.rmtree(name, dir_fd=folder)

    def copy_trees(self, sources: Mapping[str, Path], name: str, ignored: frozenset[str]) -> None:
        """Copy folders of programs to paths below `name`; others may read them, and they stay ours.

        `ignored` are names that are left out, at any depth.
        """
        with self._opened() as folder:
            for path, source in sources.items():
                *parents, last = f"{name}/{path}".split("/")
                where = os.dup(folder)
                try:
                    for part in parents:
                        where = _entered(where, part)
                    _copy_folder(source, where, last, ignored)
                finally:
                    os.close(where)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        try:
            folder = os.open(self.path, _FOLDER)
        except OSError as error:
            raise _refused(self.path, error) from error
        try:
            if os.fstat(folder).st_uid != self._owner.uid:
                raise EmbeddedError(f"{self.path} does not belong to the user {self._owner.uid}.")
            yield folder
        finally:
            os.close(folder)

    def _open_file(self, name: str, flags: int, folder: int) -> int:
        try:
            handle = os.open(name, flags | _FILE, 0o600, dir_fd=folder)
        except OSError as error:
            if error.errno in _LINKED:
                raise _refused(self.path / name, error) from error
            raise
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise EmbeddedError(f"{self.path / name} is no file; remove it, then start again.")
        return handle

    def _give(self, handle: int) -> None:
        """Give a file that we have created to the owner."""
        if self._owner.switch:
            os.fchown(handle, self._owner.uid, self._owner.gid)


def create_folder(path: Path, owner: Owner) -> None:
    """Create a folder of mode 0700; nothing when there is one that has files.

    It is created under another name and renamed, so that it never has another owner. Raises
    EmbeddedError when another folder took its place before it was given to the owner.
    """
    where = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    partial = f".rustygpt-{secrets.token_hex(8)}"
    try:
        os.mkdir(partial, 0o700, dir_fd=where)
        _give_folder(partial, where, owner)
        try:
            os.rename(partial, path.name, src_dir_fd=where, dst_dir_fd=where)
        except OSError as error:
            os.rmdir(partial, dir_fd=where)
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
    finally:
        os.close(where)


def _give_folder(name: str, where: int, owner: Owner) -> None:
    if not owner.switch:
        return
    created = os.open(name, _FOLDER, dir_fd=where)
    try:
        _check_new(created, Path(name))
        os.fchown(created, owner.uid, owner.gid)
    finally:
        os.close(created)


def _check_new(handle: int, path: Path) -> None:
    """Raise EmbeddedError unless a folder is ours, private and empty, as a new one is."""
    status = os.fstat(handle)
    is_ours = status.st_uid == os.geteuid() and not status.st_mode & 0o077
    if not is_ours or os.listdir(handle):
        raise EmbeddedError(f"{path} was replaced while it was created; start again.")


def _entered(folder: int, name: str) -> int:
    """Return a folder of ours below another one, which is closed; it is created when missing."""
    with suppress(FileExistsError):
        os.mkdir(name, 0o755, dir_fd=folder)
    entered = os.open(name, _FOLDER, dir_fd=folder)
    os.close(folder)
    if os.fstat(entered).st_uid != os.geteuid():
        os.close(entered)
        raise EmbeddedError(f"{name} was replaced while it was created; start again.")
    os.fchmod(entered, 0o755)
    return entered


def _copy_folder(source: Path, parent: int, name: str, ignored: frozenset[str]) -> None:
    os.mkdir(name, 0o700, dir_fd=parent)
    folder = os.open(name, _FOLDER, dir_fd=parent)
    try:
        _check_new(folder, Path(name))
        for entry in sorted(source.iterdir()):
            if entry.name in ignored:
                continue
            if entry.is_symlink():
                os.symlink(entry.readlink(), entry.name, dir_fd=folder)
            elif entry.is_dir():
                _copy_folder(entry, folder, entry.name, ignored)
            else:
                _copy_file(entry, folder)
        os.fchmod(folder, 0o755)
    finally:
        os.close(folder)


def _copy_file(source: Path, folder: int) -> None:
    mode = 0o755 if source.stat().st_mode & 0o100 else 0o644
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FILE
    with (
        source.open("rb") as read,
        os.fdopen(os.open(source.name, flags, mode, dir_fd=folder), "wb") as written,
    ):
        shutil.copyfileobj(read, written)
        os.fchmod(written.fileno(), mode)


def _refused(path: Path, error: OSError) -> EmbeddedError:
    if error.errno in _LINKED:
        return EmbeddedError(f"{path} is a link, or no file; remove it, then start again.")
    return EmbeddedError(f"{path} cannot be opened: {error.strerror}.")
