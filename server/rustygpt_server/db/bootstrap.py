"""Bring a database to this release: roles, schema, procedures, indexes, seed.

Safe with any number of processes at once, killed at any time, and run again: a session lock lets
one work at a time, every script is one transaction together with its row in applied_scripts.
The rules of who may do what are in the scripts themselves.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import asyncpg
from msgspec import Struct

from rustygpt_server.db.database import Database, translated_errors
from rustygpt_server.db.errors import from_driver_error
from rustygpt_server.db.scripts import STAGES, Script, location, read_script, read_stage
from rustygpt_server.errors import RequestError, StartupError, Unavailable
from rustygpt_shared import __version__

_LOCK: Final = 7_283_461_905
_LOCK_TIMEOUT_MS: Final = "60000"
_TRIES: Final = 10
_BUSY_CATALOG: Final = "tuple concurrently updated"
_OUTDATED: Final = "RG426"

OnScript = Callable[[str, str, float], None]
"""Called with stage, status (`applied`, `kept`, `failed`) and seconds."""


class BootstrapError(StartupError):
    """A script that cannot be applied; the message names file and line, and what to do."""


class OutdatedDatabase(BootstrapError):
    """A development version made the tables; no script upgrades them."""


class PoolLogin(Struct, frozen=True):
    """What the pool logs in as; None stands for what its URL says."""

    user: str | None = None
    password: str | None = None


class _Bootstrap(Struct):
    """One bootstrap while it runs."""

    connection: Any
    folder: Path
    now: datetime
    on_script: OnScript
    release: str


async def bootstrap(
    url: str,
    owner_url: str | None,
    folder: Path,
    now: datetime,
    *,
    on_script: OnScript = lambda _stage, _status, _seconds: None,
    release: str = __version__,
) -> PoolLogin:
    """Apply what is missing, as the owner's URL; answers how the pool is to log in.

    Raises BootstrapError for a script that fails, OutdatedDatabase for a database of a development
    version, Unavailable when there is no connection.
    """
    login = _login(url, owner_url)
    async with _connected(owner_url or url) as connection:
        work = _Bootstrap(connection, folder, now, on_script, release)
        async with translated_errors():
            await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
            await _apply_all(work, login)
            return PoolLogin() if login else await _open_login(work)


async def missing_scripts(db: Database, folder: Path) -> list[str]:
    """What this release needs and the database lacks; `["database"]` when it does not answer."""
    try:
        applied = {row[0] for row in await db.fetch("SELECT * FROM rustygpt.list_scripts()")}
    except (RequestError, asyncpg.PostgresError):
        return ["database"]
    wanted = [script.name for stage in STAGES for script in read_stage(folder, stage)]
    return [name for name in wanted if name not in applied]


def _login(url: str, owner_url: str | None) -> str | None:
    """The login that needs grants of its own, or None when the application's role serves."""
    user, owner = _user(url), _user(owner_url or url)
    return user if owner_url and user and user != owner else None


def _user(url: str) -> str | None:
    name = urlsplit(url).username
    return unquote(name) if name else None


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Any]:
    try:
        connection = await asyncpg.connect(
            url,
            timeout=10,
            server_settings={
                "application_name": "rustygpt bootstrap",
                "statement_timeout": "0",
                "lock_timeout": _LOCK_TIMEOUT_MS,
            },
        )
    except (asyncpg.PostgresError, OSError, TimeoutError) as error:
        told = from_driver_error(error)
        if isinstance(told, Unavailable):
            raise told from error
        raise BootstrapError(f"The database refuses the owner's login: {error}") from error
    try:
        yield connection
    finally:
        await connection.close(timeout=5)


async def _apply_all(work: _Bootstrap, login: str | None) -> None:
    await _run(work, "bootstrap/010_prepare.sql")
    await _set_role(work, "owner")
    await _run(work, "bootstrap/020_applied_scripts.sql")
    known = {
        row[0]: row
        for row in await work.connection.fetch("SELECT * FROM rustygpt.read_applied_scripts()")
    }
    stages = {stage: read_stage(work.folder, stage) for stage in STAGES}
    if _is_newer(known, stages["schema"]):
        return
    for stage in STAGES:
        for script in stages[stage]:
            await _apply(work, script, known.get(script.name))
    await _retire(work, known, stages)
    await _set(work, "rustygpt.login", login or "")
    await _run(work, "bootstrap/900_grant.sql")


def _is_newer(known: dict[str, Any], schema: list[Script]) -> bool:
    """Whether a later release was here already: its procedures are not to be put back."""
    ours = {script.name for script in schema}
    return any(name.startswith("schema/") and name not in ours for name in known)


async def _apply(work: _Bootstrap, script: Script, row: Any) -> None:
    if row is not None and row[1] == script.sha256 and row[3] is None:
        work.on_script(script.stage, "kept", 0.0)
        return
    if row is not None and row[1] != script.sha256 and script.stage == "schema":
        raise BootstrapError(
            f"{script.name} was changed after it had been applied; put it back as it was, and say "
            "the change in a new file with the next number."
        )
    await _execute(work, script, note=True)


async def _retire(work: _Bootstrap, known: dict[str, Any], stages: dict[str, list[Script]]) -> None:
    """Procedures that no file has any more go one release later."""
    ours = {script.name for script in stages["procedures"]}
    for name in known:
        if name.startswith("procedures/") and name not in ours:
            await work.connection.execute(
                "SELECT rustygpt.retire_script($1, $2)", name, work.release
            )


async def _open_login(work: _Bootstrap) -> PoolLogin:
    """Let the application's role log in, with the password all processes find in the database."""
    password = await work.connection.fetchval("SELECT rustygpt.app_password()")
    user = await work.connection.fetchval("SELECT rustygpt.role_of($1)", "app")
    await _set(work, "rustygpt.password", password)
    await _set(work, "role", "none")
    await _run(work, "bootstrap/910_login.sql")
    return PoolLogin(user, password)


async def _set_role(work: _Bootstrap, kind: str) -> None:
    role = await work.connection.fetchval("SELECT rustygpt.role_of($1)", kind)
    await _set(work, "role", role)


async def _set(work: _Bootstrap, name: str, value: str) -> None:
    await work.connection.execute("SELECT set_config($1, $2, false)", name, value)


async def _run(work: _Bootstrap, name: str) -> None:
    """A script of the bootstrap itself, applied every time.

    Other databases' bootstraps may be at the same catalogs of the cluster, which PostgreSQL then
    refuses: those are tried again.
    """
    script = read_script(work.folder, work.folder / name)
    for last in (False,) * _TRIES + (True,):
        try:
            await _execute(work, script, note=False)
            return
        except BootstrapError as error:
            if last or _BUSY_CATALOG not in str(error):
                raise


async def _execute(work: _Bootstrap, script: Script, *, note: bool) -> None:
    """One script in one transaction, with its row in applied_scripts."""
    start = perf_counter()
    try:
        async with work.connection.transaction():
            await work.connection.execute(script.text)
            if note:
                await work.connection.execute(
                    "SELECT rustygpt.record_script($1, $2, $3, $4, $5)",
                    script.name,
                    script.sha256,
                    script.procedure,
                    work.release,
                    work.now,
                )
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        work.on_script(script.stage, "failed", perf_counter() - start)
        raise _failure(script, error) from error
    work.on_script(script.stage, "applied", perf_counter() - start)


def _failure(script: Script, error: Exception) -> BootstrapError | Unavailable:
    told = from_driver_error(error)
    if isinstance(told, Unavailable):
        return told
    if getattr(error, "sqlstate", None) == _OUTDATED:
        return OutdatedDatabase(str(error))
    where = location(script, getattr(error, "position", None))
    return BootstrapError(f"{where}: {error}")
