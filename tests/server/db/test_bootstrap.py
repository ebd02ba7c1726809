"""Bootstrapping a database: repeated, concurrent, interrupted, and between releases."""

import asyncio
import shutil
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.support.database import databases
from tests.support.database.databases import NOW, check_usable, connected

from rustygpt_server.assets import sql_folder
from rustygpt_server.db.bootstrap import (
    BootstrapError,
    OutdatedDatabase,
    PoolLogin,
    bootstrap,
    missing_scripts,
)
from rustygpt_server.db.database import Database
from rustygpt_server.errors import Unavailable

PROCESS = """
import asyncio, sys
from datetime import UTC, datetime
from rustygpt_server.assets import sql_folder
from rustygpt_server.db.bootstrap import bootstrap
asyncio.run(bootstrap(sys.argv[1], None, sql_folder(), datetime.now(UTC)))
"""


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """A copy of the scripts that a test may change."""
    shutil.copytree(sql_folder(), tmp_path / "sql")
    return tmp_path / "sql"


async def run(url: str, folder: Path, release: str = "1.0.0") -> Counter[tuple[str, str]]:
    """Bootstrap a database; return the number of scripts by stage and status."""
    counts: Counter[tuple[str, str]] = Counter()
    await bootstrap(
        url,
        None,
        folder,
        NOW,
        on_script=lambda stage, status, _seconds: counts.update([(stage, status)]),
        release=release,
    )
    return counts


async def has_procedure(url: str, procedure: str) -> bool:
    """Return whether a procedure exists."""
    async with connected(url) as connection:
        return bool(
            await connection.fetchval(
                "SELECT count(*) FROM pg_proc WHERE pronamespace = 'rustygpt'::regnamespace "
                "AND proname = $1",
                procedure,
            )
        )


async def start_process(url: str) -> asyncio.subprocess.Process:
    """Start a process that bootstraps a database."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROCESS, url, stderr=asyncio.subprocess.PIPE
    )


async def test_a_second_run_applies_no_script(empty_database_url: str) -> None:
    """The pool can log in after both runs."""
    first = await run(empty_database_url, sql_folder())
    assert {status for _, status in first} == {"applied"}
    second = await run(empty_database_url, sql_folder())
    assert {stage for stage, status in second if status == "applied"} == {"bootstrap"}
    await check_usable(empty_database_url, await databases.prepare(empty_database_url))


async def test_concurrent_processes_bootstrap_one_database(empty_database_url: str) -> None:
    """Four processes that start at the same time on an empty database all succeed."""
    processes = [await start_process(empty_database_url) for _ in range(4)]
    for process in processes:
        _, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
    await check_usable(empty_database_url, await databases.prepare(empty_database_url))


async def test_a_killed_bootstrap_is_completed_by_the_next(empty_database_url: str) -> None:
    """The scripts that were applied before stay applied."""
    async with connected(empty_database_url) as connection:
        for script_count in (1, 20, 60):
            process = await start_process(empty_database_url)
            while process.returncode is None and await count_applied(connection) < script_count:
                await asyncio.wait({asyncio.create_task(process.wait())}, timeout=0.001)
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            await process.communicate()
    await check_usable(empty_database_url, await databases.prepare(empty_database_url))


async def count_applied(connection: Any) -> int:
    """Return the number of scripts that were applied."""
    if await connection.fetchval("SELECT to_regclass('rustygpt.applied_scripts')") is None:
        return 0
    return int(await connection.fetchval("SELECT count(*) FROM rustygpt.applied_scripts"))


async def test_databases_of_one_cluster_bootstrap_concurrently(cluster_url: str) -> None:
    """Roles belong to the cluster, and are created without conflicts."""
    urls = [await databases.create(cluster_url) for _ in range(3)]
    try:
        logins = await asyncio.gather(*(databases.prepare(url) for url in urls))
        assert len({login.user for login in logins}) == 3
        for url, login in zip(urls, logins, strict=True):
            await check_usable(url, login)
    finally:
        for url in urls:
            await databases.drop(cluster_url, url)


async def test_a_changed_schema_file_is_an_error(empty_database_url: str, scripts: Path) -> None:
    """A schema file may not change after it was applied."""
    await run(empty_database_url, scripts)
    file = scripts / "schema" / "003_conversations.sql"
    file.write_text(file.read_text() + "\n-- changed\n")
    with pytest.raises(BootstrapError, match=r"schema/003_conversations\.sql was changed"):
        await run(empty_database_url, scripts)


@pytest.mark.parametrize("comment", [None, "NULL", "'RustyGPT, schema generation 1'"])
async def test_a_database_of_a_development_version_is_an_error(
    empty_database_url: str, comment: str | None
) -> None:
    """Another schema generation is reported before anything is changed."""
    async with connected(empty_database_url) as connection:
        if comment is None:
            await connection.execute(databases.FIRST_GENERATION)
        else:
            await run(empty_database_url, sql_folder())
            await connection.execute(f"COMMENT ON SCHEMA rustygpt IS {comment}")
        query = "SELECT count(*) FROM pg_roles WHERE rolname LIKE $1"
        roles = f"rustygpt_{await connection.fetchval('SELECT current_database()')}_%"
        before = await connection.fetchval(query, roles)
        for _ in range(2):
            with pytest.raises(OutdatedDatabase):
                await run(empty_database_url, sql_folder())
        assert await connection.fetchval(query, roles) == before
        await connection.execute("DROP SCHEMA rustygpt CASCADE")
    await check_usable(empty_database_url, await databases.prepare(empty_database_url))


async def test_a_changed_procedure_is_applied_again(empty_database_url: str, scripts: Path) -> None:
    """No other procedure is applied."""
    await run(empty_database_url, scripts)
    file = scripts / "procedures" / "events" / "read_events.sql"
    file.write_text(file.read_text() + "\n-- changed\n")
    counts = await run(empty_database_url, scripts)
    assert counts["procedures", "applied"] == 1


async def test_a_procedure_without_a_file_is_dropped_by_the_next_release(
    empty_database_url: str, scripts: Path
) -> None:
    """The release that removed the file keeps the procedure for the release before."""
    file = scripts / "procedures" / "system" / "old_times.sql"
    file.write_text(
        "CREATE FUNCTION rustygpt.old_times() RETURNS integer LANGUAGE sql AS 'SELECT 1';"
    )
    await run(empty_database_url, scripts, "1.0.0")
    file.unlink()
    for release, expected in (("1.1.0", True), ("1.1.0", True), ("1.2.0", False), ("1.2.0", False)):
        await run(empty_database_url, scripts, release)
        assert await has_procedure(empty_database_url, "old_times") == expected


async def test_a_restored_file_keeps_its_procedure(empty_database_url: str, scripts: Path) -> None:
    """The file was missing for one release."""
    file = scripts / "procedures" / "events" / "read_events.sql"
    text = file.read_text()
    await run(empty_database_url, scripts, "1.0.0")
    file.unlink()
    await run(empty_database_url, scripts, "1.1.0")
    file.write_text(text)
    for release in ("1.2.0", "1.3.0"):
        await run(empty_database_url, scripts, release)
        assert await has_procedure(empty_database_url, "read_events")


async def test_an_older_release_changes_nothing(empty_database_url: str, scripts: Path) -> None:
    """A process of the release before that starts again does not restore old procedures."""
    (scripts / "schema" / "999_later.sql").write_text("CREATE TABLE rustygpt.later (id integer);")
    file = scripts / "procedures" / "events" / "read_events.sql"
    file.write_text(file.read_text() + "\n-- newer\n")
    await run(empty_database_url, scripts, "2.0.0")
    counts = await run(empty_database_url, sql_folder(), "1.0.0")
    assert {stage for stage, _ in counts} == {"bootstrap"}
    await check_usable(empty_database_url, await databases.prepare(empty_database_url))


async def test_a_failing_script_names_file_and_line(empty_database_url: str, scripts: Path) -> None:
    """Nothing of the failed script is kept."""
    (scripts / "schema" / "005_wrong.sql").write_text(
        "CREATE TABLE rustygpt.half (id integer);\n\nSELECT nothing\nFROM rustygpt.users;\n"
    )
    with pytest.raises(BootstrapError, match=r"schema/005_wrong\.sql:3: .*nothing"):
        await run(empty_database_url, scripts)
    async with connected(empty_database_url) as connection:
        assert await connection.fetchval("SELECT to_regclass('rustygpt.half')") is None
    await check_usable(empty_database_url, await databases.prepare(empty_database_url))


async def test_every_script_is_plain_sql(empty_database_url: str) -> None:
    """Each file runs as one text without parameters, procedures any number of times."""
    await run(empty_database_url, sql_folder())
    async with connected(empty_database_url) as connection:
        await connection.execute("SELECT set_config('role', rustygpt.role_of('owner'), false)")
        for stage in ("procedures", "indexes", "seed"):
            for file in sorted((sql_folder() / stage).rglob("*.sql")):
                await connection.execute(file.read_text())


async def test_an_empty_database_lacks_everything(empty_database_url: str) -> None:
    """The list of missing scripts names the database."""
    async with databases.pool(empty_database_url, PoolLogin()) as database:
        assert await missing_scripts(database, sql_folder()) == ["database"]


async def test_a_script_that_was_not_applied_is_missing(database: Database, scripts: Path) -> None:
    """The list of missing scripts has its name."""
    (scripts / "schema" / "900_new.sql").write_text("SELECT 1;")
    assert await missing_scripts(database, scripts) == ["schema/900_new.sql"]


async def test_an_unreachable_server_is_unavailable() -> None:
    """Bootstrapping without a server raises Unavailable."""
    with pytest.raises(Unavailable):
        await bootstrap("postgresql://x@127.0.0.1:1/x", None, sql_folder(), NOW)
