"""Bringing a database to a release: again, at once, half done, and by whom."""

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
    """Bootstrap; answers how many scripts of each stage had each status."""
    told: Counter[tuple[str, str]] = Counter()
    await bootstrap(
        url,
        None,
        folder,
        NOW,
        on_script=lambda stage, status, _seconds: told.update([(stage, status)]),
        release=release,
    )
    return told


async def has(url: str, procedure: str) -> bool:
    """Whether a procedure exists."""
    async with connected(url) as connection:
        return bool(
            await connection.fetchval(
                "SELECT count(*) FROM pg_proc WHERE pronamespace = 'rustygpt'::regnamespace "
                "AND proname = $1",
                procedure,
            )
        )


async def start(url: str) -> asyncio.subprocess.Process:
    """A process of its own that bootstraps."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROCESS, url, stderr=asyncio.subprocess.PIPE
    )


async def test_a_second_run_keeps_all(empty_database_url: str) -> None:
    """The first run applies every script and the second none; both let the pool in."""
    first = await run(empty_database_url, sql_folder())
    assert {status for _, status in first} == {"applied"}
    second = await run(empty_database_url, sql_folder())
    assert {stage for stage, status in second if status == "applied"} == {"bootstrap"}
    await check_usable(empty_database_url, await databases.prepare(empty_database_url))


async def test_four_processes_at_once(empty_database_url: str) -> None:
    """Four processes that bootstrap one empty database at the same time all succeed."""
    processes = [await start(empty_database_url) for _ in range(4)]
    for process in processes:
        _, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
    await check_usable(empty_database_url, await databases.prepare(empty_database_url))


async def test_killed_in_the_middle(empty_database_url: str) -> None:
    """A process killed after some scripts leaves what the next run completes."""
    async with connected(empty_database_url) as watcher:
        for share in (1, 20, 60):
            process = await start(empty_database_url)
            while process.returncode is None and await applied(watcher) < share:
                await asyncio.wait({asyncio.create_task(process.wait())}, timeout=0.001)
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            await process.communicate()
    await check_usable(empty_database_url, await databases.prepare(empty_database_url))


async def applied(connection: Any) -> int:
    """How many scripts were applied."""
    if await connection.fetchval("SELECT to_regclass('rustygpt.applied_scripts')") is None:
        return 0
    return int(await connection.fetchval("SELECT count(*) FROM rustygpt.applied_scripts"))


async def test_two_databases_at_once(cluster_url: str) -> None:
    """Bootstraps in several databases of one cluster at the same moment do not hurt each other."""
    urls = [await databases.create(cluster_url) for _ in range(3)]
    try:
        logins = await asyncio.gather(*(databases.prepare(url) for url in urls))
        assert len({login.user for login in logins}) == 3
        for url, login in zip(urls, logins, strict=True):
            await check_usable(url, login)
    finally:
        for url in urls:
            await databases.drop(cluster_url, url)


async def test_a_changed_schema_file_is_refused(empty_database_url: str, scripts: Path) -> None:
    """Schema files are append-only: one that changed after it was applied stops the start."""
    await run(empty_database_url, scripts)
    file = scripts / "schema" / "003_conversations.sql"
    file.write_text(file.read_text() + "\n-- changed\n")
    with pytest.raises(BootstrapError, match=r"schema/003_conversations\.sql was changed"):
        await run(empty_database_url, scripts)


@pytest.mark.parametrize("comment", [None, "NULL", "'RustyGPT, schema generation 1'"])
async def test_a_database_of_a_development_version_is_refused(
    empty_database_url: str, comment: str | None
) -> None:
    """Another schema generation stops the start before anything is changed."""
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
    """A procedure whose file changed is put in place again, and no other."""
    await run(empty_database_url, scripts)
    file = scripts / "procedures" / "events" / "read_events.sql"
    file.write_text(file.read_text() + "\n-- changed\n")
    told = await run(empty_database_url, scripts)
    assert told["procedures", "applied"] == 1


async def test_a_procedure_without_file_goes_a_release_later(
    empty_database_url: str, scripts: Path
) -> None:
    """A procedure stays for the release that gave up its file, and goes with the next one."""
    file = scripts / "procedures" / "system" / "old_times.sql"
    file.write_text(
        "CREATE FUNCTION rustygpt.old_times() RETURNS integer LANGUAGE sql AS 'SELECT 1';"
    )
    await run(empty_database_url, scripts, "1.0.0")
    file.unlink()
    for release, there in (("1.1.0", True), ("1.1.0", True), ("1.2.0", False), ("1.2.0", False)):
        await run(empty_database_url, scripts, release)
        assert await has(empty_database_url, "old_times") == there


async def test_a_procedure_that_comes_back_stays(empty_database_url: str, scripts: Path) -> None:
    """A file that was gone for a release and is there again keeps its procedure."""
    file = scripts / "procedures" / "events" / "read_events.sql"
    text = file.read_text()
    await run(empty_database_url, scripts, "1.0.0")
    file.unlink()
    await run(empty_database_url, scripts, "1.1.0")
    file.write_text(text)
    for release in ("1.2.0", "1.3.0"):
        await run(empty_database_url, scripts, release)
        assert await has(empty_database_url, "read_events")


async def test_an_older_release_leaves_a_newer_one(empty_database_url: str, scripts: Path) -> None:
    """A process of the release before that starts again puts no old procedure back."""
    (scripts / "schema" / "999_later.sql").write_text("CREATE TABLE rustygpt.later (id integer);")
    file = scripts / "procedures" / "events" / "read_events.sql"
    file.write_text(file.read_text() + "\n-- newer\n")
    await run(empty_database_url, scripts, "2.0.0")
    told = await run(empty_database_url, sql_folder(), "1.0.0")
    assert {stage for stage, _ in told} == {"bootstrap"}
    await check_usable(empty_database_url, await databases.prepare(empty_database_url))


async def test_a_failing_script_names_file_and_line(empty_database_url: str, scripts: Path) -> None:
    """A mistake in a script is told with file and line, and nothing of the script stays."""
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


async def test_missing_before_bootstrap(empty_database_url: str) -> None:
    """An empty database lacks everything; one that is a script behind lacks that script."""
    async with databases.pool(empty_database_url, PoolLogin()) as database:
        assert await missing_scripts(database, sql_folder()) == ["database"]


async def test_missing_names_scripts(database: Database, scripts: Path) -> None:
    """A script that was not applied is named."""
    (scripts / "schema" / "900_new.sql").write_text("SELECT 1;")
    assert await missing_scripts(database, scripts) == ["schema/900_new.sql"]


async def test_nobody_there_is_unavailable() -> None:
    """Without a database at the URL the start tells that it is away."""
    with pytest.raises(Unavailable):
        await bootstrap("postgresql://x@127.0.0.1:1/x", None, sql_folder(), NOW)
