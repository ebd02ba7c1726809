"""The session file: the cookies, or the token, per server and account, readable by its owner only.

It is replaced atomically and under a lock, so concurrent terminals never read a partial file. A
file that other users may read, or that is a link, is rejected.
"""

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct, field

from rustygpt_tui.client.cookies import Cookie
from rustygpt_tui.errors import UsageError

_MAX_BYTES = 1 << 20


class SavedSession(Struct, frozen=True):
    """The cookies of one account at one server, or its personal token."""

    origin: str
    account: str
    cookies: list[Cookie]
    token: str | None = None


class Contents(Struct):
    """The content of the file; `current` maps an origin to the account that signed in last."""

    version: int = 1
    current: dict[str, str] = field(default_factory=dict)
    sessions: list[SavedSession] = field(default_factory=list)


class SessionFile:
    """The sessions in the file at `path`, which is created with the first one.

    Every method raises UsageError when the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def find(self, origin: str, account: str | None = None) -> SavedSession | None:
        """Return the session of `account`, by default the current one, at `origin`, or None."""
        contents = self._read()
        name = account or contents.current.get(origin)
        return next(
            (s for s in contents.sessions if s.origin == origin and s.account == name), None
        )

    def accounts(self, origin: str) -> list[str]:
        """Return the accounts that have a session at `origin`."""
        return [saved.account for saved in self._read().sessions if saved.origin == origin]

    def save(self, saved: SavedSession, *, current: bool = False) -> None:
        """Save a session, replacing an earlier one of the same account."""
        with self._edit() as contents:
            _drop(contents, saved.origin, saved.account)
            contents.sessions.append(saved)
            if current or saved.origin not in contents.current:
                contents.current[saved.origin] = saved.account

    def forget(self, origin: str, account: str) -> None:
        """Delete a session, if there is one."""
        with self._edit() as contents:
            _drop(contents, origin, account)
            if contents.current.get(origin) == account:
                remaining = [s.account for s in contents.sessions if s.origin == origin]
                contents.current.pop(origin)
                if remaining:
                    contents.current[origin] = remaining[-1]

    def _read(self) -> Contents:
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return Contents()
        except OSError as error:
            raise UsageError(
                f"The session file {self.path} cannot be opened ({error.strerror}); "
                "delete it and sign in again."
            ) from None
        with os.fdopen(handle, "rb") as file:
            self._check(os.fstat(handle))
            data = file.read(_MAX_BYTES)
        try:
            return msgspec.json.decode(data, type=Contents)
        except msgspec.MsgspecError:
            raise UsageError(
                f"The session file {self.path} is damaged; delete it and sign in again."
            ) from None

    def _check(self, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            raise UsageError(
                f"The session file {self.path} is not a file of yours; delete it and sign in again."
            )
        if status.st_mode & 0o077:
            raise UsageError(
                f"The session file {self.path} can be read by other users; "
                f"run `chmod 600 {self.path}` first, and sign in again if they may have read it."
            )

    @contextmanager
    def _edit(self) -> Iterator[Contents]:
        """The contents, to be changed in place; they are written when the block ends well."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(
                self.path.with_name(self.path.name + ".lock"),
                os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC,
                0o600,
            )
        except OSError as error:
            raise self._unwritable(error) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            contents = self._read()
            yield contents
            self._write(msgspec.json.format(msgspec.json.encode(contents), indent=1) + b"\n")
        finally:
            os.close(lock)

    def _write(self, data: bytes) -> None:
        temporary = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise self._unwritable(error) from None

    def _unwritable(self, error: OSError) -> UsageError:
        return UsageError(
            f"The session cannot be saved in {self.path} ({error.strerror}); "
            "name another file with `cli.session_store`."
        )


def _drop(contents: Contents, origin: str, account: str) -> None:
    contents.sessions = [s for s in contents.sessions if (s.origin, s.account) != (origin, account)]
