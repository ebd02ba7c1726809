"""Bootstrap: bring a database to this release (roles, schema, procedures, indexes, seed).

Any number of processes may run it at once, be killed at any time, and run it again: a session
lock lets one work at a time, and each script is one transaction with its row in applied_scripts.
Who may do what is in the scripts, not here.
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
from rustygpt_server.errors import LoginRefused, RequestError, StartupError, Unavailable
from rustygpt_server.telemetry import log
from rustygpt_shared import __version__

_log = log(__name__)

LOCK: Final = 7_283_461_905
"""The advisory lock of what creates the schema: one process at a time."""
_LOCK_TIMEOUT_MS: Final = "60000"
_TRIES: Final = 10
_BUSY_CATALOG: Final = "tuple concurrently updated"
_OUTDATED: Final = "RG426"
_UNFINISHED_RESTORE: Final = "RG427"

OnScript = Callable[[str, str, float], None]
"""Called with stage, status (`applied`, `kept`, `failed`) and seconds."""


class BootstrapError(StartupError):
    """A script cannot be applied; the message names file and line, and what to do."""


class OutdatedDatabase(BootstrapError):
    """A development version made the tables; no script upgrades them."""


class PoolLogin(Struct, frozen=True):
    """The user and password that the pool logs in with; None stands for those of its URL."""

    user: str | None = None
    password: str | None = None


class _Bootstrap(Struct):
    """A bootstrap that is running."""

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
    """Apply what is missing, with the owner's URL; return how the pool has to log in.

    Raises BootstrapError for a script that fails, OutdatedDatabase for a database of a development
    version, Unavailable when there is no connection.
    """
    login = _login(url, owner_url)
    async with connected(owner_url or url) as connection:
        work = _Bootstrap(connection, folder, now, on_script, release)
        async with translated_errors():
            await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
            await _apply_all(work, login)
            pool_login = PoolLogin() if login else await _open_login(work)
            await _restrict(work, login)
            return pool_login


async def missing_scripts(db: Database, folder: Path) -> list[str]:
    """Return the scripts that the database lacks; `["database"]` when it does not respond."""
    try:
        applied = {row[0] for row in await db.fetch("SELECT * FROM rustygpt.list_scripts()")}
    except (RequestError, asyncpg.PostgresError):
        return ["database"]
    names = [script.name for stage in STAGES for script in read_stage(folder, stage)]
    return [name for name in names if name not in applied]


def _login(url: str, owner_url: str | None) -> str | None:
    """Return the login that needs its own grants, or None when the application's role is used."""
    user, owner = _user(url), _user(owner_url or url)
    return user if owner_url and user and user != owner else None


def _user(url: str) -> str | None:
    name = urlsplit(url).username
    return unquote(name) if name else None


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Any]:
    """Open a plain connection of the operator, without a statement timeout.

    Raises BootstrapError for an address or a login that cannot be used, Unavailable without a
    connection.
    """
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
    except (asyncpg.InterfaceError, ValueError) as error:
        raise BootstrapError(f"The database's address cannot be used: {error}.") from error
    except (asyncpg.PostgresError, OSError, TimeoutError) as error:
        translated = from_driver_error(error)
        if isinstance(translated, Unavailable) and not isinstance(translated, LoginRefused):
            raise translated from error
        raise BootstrapError(f"The database refuses the owner's login: {error}") from error
    try:
        yield connection
    finally:
        await connection.close(timeout=5)


async def _apply_all(work: _Bootstrap, login: str | None) -> None:
    await _run(work, "bootstrap/001_check.sql")
    await _run(work, "bootstrap/005_roles.sql")
    await _run(work, "bootstrap/010_prepare.sql")
    await _set_role(work, "owner")
    await _run(work, "bootstrap/020_applied_scripts.sql")
    await _run(work, "bootstrap/030_excess_privileges.sql")
    await _run(work, "bootstrap/040_backups.sql")
    applied = {
        row[0]: row
        for row in await work.connection.fetch("SELECT * FROM rustygpt.read_applied_scripts()")
    }
    stages = {stage: read_stage(work.folder, stage) for stage in STAGES}
    if _is_newer(applied, stages["schema"]):
        return
    for stage in STAGES:
        for script in stages[stage]:
            await _apply(work, script, applied.get(script.name))
    await _retire(work, applied, stages)
    await _set(work, "rustygpt.login", login or "")
    await _run(work, "bootstrap/900_grant.sql")


def _is_newer(applied: dict[str, Any], schema: list[Script]) -> bool:
    """Return whether a later release has been applied: its procedures must not be replaced."""
    ours = {script.name for script in schema}
    return any(name.startswith("schema/") and name not in ours for name in applied)


async def _apply(work: _Bootstrap, script: Script, row: Any) -> None:
    if row is not None and row[1] == script.sha256 and row[3] is None:
        work.on_script(script.stage, "kept", 0.0)
        return
    if row is not None and row[1] != script.sha256 and script.stage == "schema":
        raise BootstrapError(
            f"{script.name} was changed after it had been applied; restore it, and put the change "
            "into a new file with the next number."
        )
    await _execute(work, script, record=True)


async def _retire(
    work: _Bootstrap, applied: dict[str, Any], stages: dict[str, list[Script]]
) -> None:
    """Drop, one release later, the procedures that no file creates any more."""
    ours = {script.name for script in stages["procedures"]}
    for name in applied:
        if name.startswith("procedures/") and name not in ours:
            await work.connection.execute(
                "SELECT rustygpt.retire_script($1, $2)", name, work.release
            )


async def _open_login(work: _Bootstrap) -> PoolLogin:
    """Let the application's role log in with the password that is stored in the database."""
    password = await work.connection.fetchval("SELECT rustygpt.app_password()")
    user = await work.connection.fetchval("SELECT rustygpt.role_of($1)", "app")
    await _set(work, "rustygpt.password", password)
    await _set(work, "role", "none")
    await _run(work, "bootstrap/910_login.sql")
    return PoolLogin(user, password)


async def _restrict(work: _Bootstrap, login: str | None) -> None:
    """Take from the pool's role what it does not need; log what the operator may not take."""
    await _set(work, "role", "none")
    await _run(work, "bootstrap/905_restrict.sql")
    role = login or await work.connection.fetchval("SELECT rustygpt.role_of($1)", "app")
    left = await work.connection.fetch("SELECT kind FROM rustygpt.excess_privileges($1)", role)
    if left:
        _log.warning(
            "the pool's role may do more than it needs; let a superuser of PostgreSQL run the "
            "statements in docs/database.md, 'What the pool may not do'",
            role=role,
            allowed=", ".join(sorted({row[0] for row in left})),
        )


async def _set_role(work: _Bootstrap, kind: str) -> None:
    role = await work.connection.fetchval("SELECT rustygpt.role_of($1)", kind)
    await _set(work, "role", role)


async def _set(work: _Bootstrap, name: str, value: str) -> None:
    await work.connection.execute("SELECT set_config($1, $2, false)", name, value)


async def _run(work: _Bootstrap, name: str) -> None:
    """Run a script of the bootstrap itself, which is applied every time.

    Another database's bootstrap may change the same catalogs of the cluster at the same moment,
    which PostgreSQL refuses: then it is tried again, at most 10 times.
    """
    script = read_script(work.folder, work.folder / name)
    for last in (False,) * _TRIES + (True,):
        try:
            await _execute(work, script, record=False)
            return
        except BootstrapError as error:
            if last or _BUSY_CATALOG not in str(error):
                raise


async def _execute(work: _Bootstrap, script: Script, *, record: bool) -> None:
    """Run one script in one transaction, with its row in applied_scripts."""
    start = perf_counter()
    try:
        async with work.connection.transaction():
            await work.connection.execute(script.text)
            if record:
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
    translated = from_driver_error(error)
    if isinstance(translated, Unavailable):
        return translated
    if getattr(error, "sqlstate", None) == _OUTDATED:
        return OutdatedDatabase(str(error))
    if getattr(error, "sqlstate", None) == _UNFINISHED_RESTORE:
        return BootstrapError(str(error))
    where = location(script, getattr(error, "position", None))
    return BootstrapError(f"{where}: {error}")
