"""The commands `backup`, `restore-backup` and `doctor`: on the database that the settings name."""

import asyncio
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from rustygpt_server import assets
from rustygpt_server.app.command import DatabaseUrls, database
from rustygpt_server.app.run import install_signal_handlers
from rustygpt_server.db import backup
from rustygpt_server.db.client_programs import BackupError
from rustygpt_server.db.restore import restore_backup
from rustygpt_server.errors import RequestError, StartupError
from rustygpt_shared.settings.load import LoadedSettings

OLD: Final = timedelta(days=7)
"""From this age on a last backup is a warning."""


class Finding(Struct, frozen=True):
    """What `doctor` has found about one thing."""

    about: str
    status: Literal["ok", "warning", "failed"]
    message: str


class Progress:
    """Shows what is being done: in one line of a terminal, or nothing where nobody looks."""

    def __init__(self, *, quiet: bool) -> None:
        self._shown = not quiet and sys.stderr.isatty()

    def __call__(self, text: str) -> None:
        """Replace the line."""
        if self._shown:
            print(f"\r\x1b[K{text} …", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Remove the line."""
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def make_backup(
    loaded: LoadedSettings, environ: Mapping[str, str], file: Path, *, quiet: bool
) -> int:
    """Write a backup; return the exit code."""

    async def work(urls: DatabaseUrls, progress: Progress) -> str:
        size = await backup.write_backup(urls.owner or urls.pool, file, progress)
        return f"Wrote {file} ({size / 1_048_576:,.1f} MiB). Keep it secret: it has all messages."

    return _run(loaded, environ, work, quiet=quiet)


def restore(loaded: LoadedSettings, environ: Mapping[str, str], file: Path, *, quiet: bool) -> int:
    """Restore a backup; return the exit code."""
    if _size(str(file)) is None:
        print(f"rustygpt: There is no file {file}.", file=sys.stderr)
        return 1
    if not backup.is_archive(file):
        print(f"rustygpt: {file} is not a backup of RustyGPT, or cannot be read.", file=sys.stderr)
        return 1

    async def work(urls: DatabaseUrls, progress: Progress) -> str:
        await restore_backup(
            urls.pool, urls.owner, file, assets.sql_folder(), datetime.now(UTC), progress
        )
        return f"Restored {file}. Everybody has to sign in again; tokens are those of the backup."

    return _run(loaded, environ, work, quiet=quiet)


def _run(
    loaded: LoadedSettings,
    environ: Mapping[str, str],
    work: Callable[[DatabaseUrls, Progress], Awaitable[str]],
    *,
    quiet: bool,
) -> int:
    progress = Progress(quiet=quiet)
    signals: list[signal.Signals] = []

    async def main() -> str:
        _cancel_at_signals(signals)
        async with database(loaded, environ, progress) as urls:
            return await work(urls, progress)

    try:
        message = asyncio.run(main())
    except (StartupError, RequestError) as error:
        progress.clear()
        print(f"rustygpt: {error}", file=sys.stderr)
        return error.exit_code if isinstance(error, StartupError) else 1
    except asyncio.CancelledError:
        progress.clear()
        print("rustygpt: Stopped before it was done.", file=sys.stderr)
        return 128 + signals[0]
    progress.clear()
    if not quiet:
        print(message, file=sys.stderr)
    return 0


def _cancel_at_signals(signals: list[signal.Signals]) -> None:
    """Cancel the running task at a signal, so that it removes what is not finished.

    Only the main thread of a process receives signals.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    task = asyncio.current_task()

    def on_signal(number: signal.Signals) -> None:
        signals.append(number)
        if task is not None:
            task.cancel()

    install_signal_handlers(on_signal)


def diagnose(loaded: LoadedSettings, environ: Mapping[str, str]) -> list[Finding]:
    """Check the database and its last backup; return what was found."""

    async def main() -> list[Finding]:
        try:
            async with database(loaded, environ, lambda _stage: None) as urls:
                url = urls.owner or urls.pool
                return [
                    Finding("database", "ok", "The database can be reached."),
                    await _backup_finding(url, datetime.now(UTC)),
                ]
        except (StartupError, RequestError) as error:
            return [Finding("database", "failed", str(error))]

    configuration = f"The configuration is fine ({loaded.file or 'no file'})."
    return [Finding("configuration", "ok", configuration), *asyncio.run(main())]


async def _backup_finding(url: str, now: datetime) -> Finding:
    """Return whether there is a backup that is not old and can be read."""
    try:
        last = await backup.last_backup(url)
    except BackupError as error:
        return Finding("backup", "warning", str(error))
    if last is None:
        return Finding("backup", "warning", "There is no backup; make one: rustygpt backup FILE.")
    described = f"The last backup, {last.file}, is {(now - last.created_at).days} days old"
    size = _size(last.file)
    if size is None:
        return Finding("backup", "warning", f"{described} and not on this machine.")
    if size != last.bytes:
        return Finding("backup", "failed", f"{described} and damaged; make another one.")
    try:
        await backup.check_readable(url, Path(last.file))
    except BackupError as error:
        return Finding("backup", "failed", f"{described} and cannot be read: {error}")
    is_old = now - last.created_at > OLD
    return Finding("backup", "warning" if is_old else "ok", f"{described} and readable.")


def _size(file: str) -> int | None:
    """Return the size of a file in bytes; None if it cannot be found."""
    try:
        return Path(file).stat().st_size
    except OSError:
        return None
