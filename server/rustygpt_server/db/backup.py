"""Backups: the schema and the data in one file, as they were at one moment, by pg_dump.

The file is an archive of pg_dump's own format. It has no sessions, no pending
sign-ins and no events: after a restore people sign in again, and clients load everything again.
Restoring belongs to `restore`.
"""

import os
import re
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from rustygpt_server.db.bootstrap import connected
from rustygpt_server.db.client_programs import BackupError, address, find_programs, run_program
from rustygpt_shared.new_files import publish

_LEFT_OUT: Final = ("sessions", "session_tokens", "oauth_flows", "device_logins", "events")
_MAGIC: Final = b"PGDMP"
_TABLE: Final = re.compile(r'contents of table "rustygpt\.(\w+)"')

Progress = Callable[[str], None]
"""Called with what is being done."""


class LastBackup(Struct, frozen=True):
    """A backup that was made; `file` is its path on the machine that made it."""

    created_at: datetime
    file: str
    bytes: int


async def write_backup(url: str, file: Path, progress: Progress) -> int:
    """Write the database of an owner's URL to a new file of mode 0600; return its size in bytes.

    The file appears when it is complete and could be read. It is written in a new folder beside it,
    into which nobody else can put a link. Raises BackupError, also for a file that exists.
    """
    file = _new_file(file)
    async with _as_owner(url) as connection:
        programs = find_programs(connection.get_server_version().major)
        options = await _options(connection)
    try:
        with tempfile.TemporaryDirectory(prefix=".rustygpt-backup-", dir=file.parent) as folder:
            partial = Path(folder) / "partial"
            await _dump(programs, url, partial, options, progress)
            progress("reading it again")
            await run_program(programs / "pg_restore", "--list", str(partial), environ={})
            size = _publish(partial, file)
    except FileExistsError:
        raise BackupError(f"{file} exists already; name another file.") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BackupError(f"{file} cannot be written: {reason}.") from error
    async with _as_owner(url) as connection:
        await connection.execute("SELECT rustygpt.record_backup($1, $2)", str(file), size)
    return size


async def last_backup(url: str) -> LastBackup | None:
    """Return the last backup of the database of an owner's URL, or None."""
    async with _as_owner(url) as connection:
        row = await connection.fetchrow("SELECT * FROM rustygpt.last_backup()")
        return LastBackup(*row) if row else None


def is_archive(file: Path) -> bool:
    """Return whether a file can be read and begins as archives of pg_dump do."""
    try:
        with file.open("rb") as opened:
            return opened.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


async def check_readable(url: str, file: Path) -> None:
    """Read the table of contents of a backup; raise BackupError when that fails."""
    async with connected(url) as connection:
        programs = find_programs(connection.get_server_version().major)
    await run_program(programs / "pg_restore", "--list", str(file), environ={})


def _new_file(file: Path) -> Path:
    """Return the absolute path of a file that does not exist."""
    file = file.absolute()
    if os.path.lexists(file):
        raise BackupError(f"{file} exists already; name another file.")
    return file


@asynccontextmanager
async def _as_owner(url: str) -> AsyncIterator[Any]:
    """Open a connection with the role that owns the tables."""
    async with connected(url) as connection:
        if await connection.fetchval("SELECT to_regproc('rustygpt.record_backup')") is None:
            raise BackupError("The database has no RustyGPT of this release; start it once.")
        role = await connection.fetchval("SELECT rustygpt.role_of($1)", "owner")
        await connection.execute("SELECT set_config('role', $1, false)", role)
        yield connection


async def _options(connection: Any) -> list[str]:
    """Return the options that decide as whom the tables are read.

    A superuser reads all rows. Another login reads as the owner of the tables, to whom row-level
    security applies, and as the system, which sees everything.
    """
    unrestricted = await connection.fetchval("SELECT rustygpt.login_sees_all_rows()")
    role = await connection.fetchval("SELECT current_user")
    return [] if unrestricted else ["--role", role, "--enable-row-security"]


async def _dump(
    programs: Path, url: str, partial: Path, options: list[str], progress: Progress
) -> None:
    database, secret = address(url)

    def on_line(line: str) -> None:
        if found := _TABLE.search(line):
            size = partial.stat().st_size / 1_048_576 if partial.exists() else 0
            progress(f"{found[1]} ({size:,.0f} MiB so far)")

    left_out = [f"--exclude-table-data=rustygpt.{name}" for name in _LEFT_OUT]
    await run_program(
        programs / "pg_dump",
        *("--format=custom", "--verbose", "--schema=rustygpt", "--no-unlogged-table-data"),
        *(*left_out, *options, f"--file={partial}", f"--dbname={database}"),
        environ={**secret, "PGOPTIONS": "-c rustygpt.actor=system"},
        on_line=on_line,
    )


def _publish(partial: Path, file: Path) -> int:
    """Give a complete file its name, unless another file got that name; return its size."""
    with partial.open("rb") as opened:
        os.fsync(opened.fileno())
        size = os.fstat(opened.fileno()).st_size
    publish(partial, file)
    return size
