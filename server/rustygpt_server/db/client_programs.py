"""PostgreSQL's programs for backups, pg_dump and pg_restore, and one run of them.

They are those of the server's own version: an older pg_dump refuses a newer server, and an older
server refuses what a newer pg_restore sends.
"""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from rustygpt_server.db.embedded.binaries import installed_versions
from rustygpt_server.errors import StartupError

_FOLDERS: Final = (
    "/usr/lib/postgresql/{version}/bin",
    "/usr/pgsql-{version}/bin",
    "/opt/homebrew/opt/postgresql@{version}/bin",
    "/usr/local/opt/postgresql@{version}/bin",
)
_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)")

OnLine = Callable[[str], None]
"""Called with each line of a program's progress."""


class BackupError(StartupError):
    """A backup cannot be made or restored; the message says why, and what to do."""


def find_programs(version: int) -> Path:
    """Return the folder with pg_dump and pg_restore of a major version of PostgreSQL."""
    embedded = installed_versions().get(str(version))
    folders = [embedded / "bin"] if embedded else []
    folders += [Path(folder.format(version=version)) for folder in _FOLDERS]
    on_path = shutil.which("pg_dump")
    if on_path and _version_of(on_path) == version:
        folders.insert(0, Path(on_path).parent)
    for folder in folders:
        if (folder / "pg_dump").exists() and (folder / "pg_restore").exists():
            return folder
    raise BackupError(
        f"The database is PostgreSQL {version}, and its programs pg_dump and pg_restore are not on "
        f"this machine; install them (Debian: apt install postgresql-client-{version})."
    )


def _version_of(program: str) -> int | None:
    shown = subprocess.run(  # noqa: S603 - found on the PATH
        [program, "--version"], capture_output=True, text=True, check=False, timeout=10
    )
    found = _VERSION.search(shown.stdout)
    return int(found[1]) if found else None


def address(url: str) -> tuple[str, dict[str, str]]:
    """Return a database's URL without its password, and the environment that has it.

    Arguments of a process can be read by other users of the machine.
    """
    parts = urlsplit(url)
    login, at, host = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    secret = {"PGPASSWORD": unquote(password)} if password else {}
    path = quote(unquote(parts.path))  # libpq refuses spaces
    return urlunsplit(parts._replace(netloc=f"{user}{at}{host}", path=path)), secret


async def run_program(
    program: Path, *arguments: str, environ: dict[str, str], on_line: OnLine = lambda _line: None
) -> None:
    """Run a program to its end; files that it creates are readable by their owner only.

    Raises BackupError with the last line of its errors when it fails. A cancellation ends it.
    """
    process = await asyncio.create_subprocess_exec(
        str(program),
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.defpath, "LC_ALL": "C", **environ},
        umask=0o077,
    )
    last = ""
    try:
        while process.stderr and (line := await process.stderr.readline()):
            last = line.decode("utf-8", "replace").strip() or last
            on_line(last)
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    if code:
        raise BackupError(f"{program.name} failed: {last}")
