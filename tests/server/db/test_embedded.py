"""The embedded PostgreSQL: private, shared by its holders, and restored after failures."""

import asyncio
import os
import shutil
import signal
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from tests.support.database.databases import connected

from rustygpt_server.db import embedded
from rustygpt_server.db.embedded import folders

pytestmark = pytest.mark.slow

HOLDER = """
import asyncio, sys
from pathlib import Path
from rustygpt_server.db import embedded
async def hold():
    running = await embedded.start(Path(sys.argv[1]))
    print("held", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await running.stop()
asyncio.run(hold())
"""


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[embedded.EmbeddedPostgres]:
    """Run the database within the block."""
    postgres = await embedded.start(folder)
    try:
        yield postgres
    finally:
        await postgres.stop()


@asynccontextmanager
async def holder(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run another process that holds the database until its standard input ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        HOLDER,
        str(folder),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"held\n"
        yield process
    finally:
        if process.returncode is None:
            await process.communicate(b"\n")


async def is_serving(url: str) -> bool:
    """Return whether the database accepts connections."""
    try:
        async with connected(url) as connection:
            return bool(await connection.fetchval("SELECT true"))
    except (OSError, asyncpg.PostgresError):
        return False


def mode(path: Path) -> int:
    """Return the permission bits of a path."""
    return stat.S_IMODE(path.stat().st_mode)


def lock_file(folder: Path) -> str:
    """Return the text of PostgreSQL's lock file, empty when it does not run."""
    try:
        return (folder / "postgres/data/postmaster.pid").read_text()
    except FileNotFoundError:
        return ""


def postmaster_pid(folder: Path) -> int:
    """Return the process id of the postmaster."""
    return int(lock_file(folder).split()[0])


async def test_data_survive_a_stop(folder: Path) -> None:
    """The first start reports its steps."""
    reported_steps: list[str] = []
    first = await embedded.start(folder, reported_steps.append)
    assert reported_steps == ["preparing the database", "starting the database"]
    async with connected(first.url) as connection:
        await connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
        assert await connection.fetchval("SHOW fsync") == "on"
    await first.stop()
    await first.stop()
    assert not await is_serving(first.url)
    async with running(folder) as postgres, connected(postgres.url) as connection:
        assert await connection.fetchval("SELECT n FROM kept") == 42


async def test_folders_socket_and_password_are_private(folder: Path) -> None:
    """Folders are 0700, the password file is 0600, and PostgreSQL has neither TCP nor trust."""
    async with running(folder) as postgres:
        home = folder / "postgres"
        for private_folder in (folder, home, home / "data", home / "socket"):
            assert mode(private_folder) == 0o700
        assert mode(home / "password") == 0o600
        assert mode(home / "socket" / ".s.PGSQL.5432") == 0o700
        async with connected(postgres.url) as connection:
            assert await connection.fetchval("SHOW listen_addresses") == ""
            assert await connection.fetchval("SHOW password_encryption") == "scram-sha-256"
            rules = await connection.fetch("SELECT auth_method FROM pg_hba_file_rules")
            assert {row[0] for row in rules} == {"scram-sha-256"}
            lower = await connection.fetchval("SELECT lower('ÄÖ')")
            assert lower == "äö"
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(postgres.url, password="wrong")
        assert (home / "data").stat().st_uid != 0, "PostgreSQL does not run as root"


async def test_an_existing_folder_keeps_its_mode(folder: Path) -> None:
    """A data folder that exists is used as it is."""
    folder.mkdir()
    folder.chmod(0o755)
    async with running(folder) as postgres:
        assert await is_serving(postgres.url)
        assert mode(folder) == 0o755
        assert mode(folder / "postgres") == 0o700


async def test_a_folder_open_to_others_is_rejected(folder: Path) -> None:
    """Its mode is not changed either."""
    (folder / "postgres").mkdir(parents=True)
    folder.chmod(0o755)
    (folder / "postgres").chmod(0o755)
    with pytest.raises(embedded.EmbeddedError, match="0700"):
        await embedded.start(folder)
    assert mode(folder / "postgres") == 0o755


async def test_a_long_path_has_its_socket_in_a_short_folder(folder: Path) -> None:
    """Every start uses the same short private folder, which is created again when it is missing."""
    long_path = folder / ("d" * 60) / ("e" * 60)
    socket_folders = set()
    for _ in range(2):
        async with running(long_path) as postgres:
            assert await is_serving(postgres.url)
            (note,) = (long_path / "postgres").glob("socket-folder")
            socket_folders.add(Path(note.read_text()))
    (socket_folder,) = socket_folders
    assert mode(socket_folder) == 0o700
    shutil.rmtree(socket_folder)
    async with running(long_path) as postgres:
        assert await is_serving(postgres.url)
        new_socket_folder = Path(note.read_text())
    shutil.rmtree(new_socket_folder)


async def test_the_last_holder_stops_postgresql(folder: Path) -> None:
    """A second process uses the same database, which stops with the last of them."""
    async with holder(folder) as other_holder:
        postgres = await embedded.start(folder)
        postmaster = postmaster_pid(folder)
        await other_holder.communicate(b"\n")
        assert await is_serving(postgres.url)
        assert postmaster_pid(folder) == postmaster
        await postgres.stop()
    assert not await is_serving(postgres.url)


async def test_a_killed_holder_does_not_keep_postgresql_running(folder: Path) -> None:
    """The next start adopts what it left running."""
    async with holder(folder) as other_holder:
        postmaster = postmaster_pid(folder)
        other_holder.kill()
        await other_holder.wait()
    postgres = await embedded.start(folder)
    assert postmaster_pid(folder) == postmaster
    await postgres.stop()
    assert not await is_serving(postgres.url)


async def test_a_reused_pid_is_no_holder(folder: Path) -> None:
    """A process with the pid of a holder and another start time does not count."""
    postgres = await embedded.start(folder)
    holders = folder / "postgres" / "holders"
    holders.write_text(holders.read_text() + f"{os.getppid()} 1\n")
    await postgres.stop()
    assert not await is_serving(postgres.url)


async def test_concurrent_starts_share_one_database(folder: Path) -> None:
    """All of them get the same URL."""
    instances = await asyncio.gather(*(embedded.start(folder) for _ in range(4)))
    assert len({instance.url for instance in instances}) == 1
    for instance in instances:
        assert await is_serving(instance.url)
        await instance.stop()
    assert not await is_serving(instances[0].url)


async def test_a_killed_postgresql_recovers_at_the_next_start(folder: Path) -> None:
    """Committed data are still there."""
    postgres = await embedded.start(folder)
    async with connected(postgres.url) as connection:
        await connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
    os.kill(postmaster_pid(folder), signal.SIGKILL)
    await postgres.stop()
    async with running(folder) as restarted, connected(restarted.url) as connection:
        assert await connection.fetchval("SELECT n FROM kept") == 42


async def test_a_start_waits_for_a_stopping_postgresql(folder: Path) -> None:
    """It starts PostgreSQL again as soon as the shutdown has ended."""
    first = await embedded.start(folder)
    os.kill(postmaster_pid(folder), signal.SIGINT)
    while "ready" in lock_file(folder):
        await asyncio.sleep(0.001)
    async with running(folder) as postgres:
        assert await is_serving(postgres.url)
    await first.stop()


async def test_a_stale_lock_file_is_ignored(folder: Path) -> None:
    """It does not count even if another process has its pid now."""
    async with running(folder):
        lines = (folder / "postgres/data/postmaster.pid").read_text().splitlines()
    stale_lock = folder / "postgres/data/postmaster.pid"
    stale_lock.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    (folder / "postgres/socket/.s.PGSQL.5432.lock").write_text(stale_lock.read_text())
    async with running(folder) as postgres:
        assert await is_serving(postgres.url)


async def test_incomplete_data_are_created_again(folder: Path) -> None:
    """The remains of a killed first start do not prevent the next one."""
    home = folder / "postgres"
    owner = folders.owner_of(home)
    folders.make_private(home, owner)
    (home / "data.partial" / "base").mkdir(parents=True)
    (home / "password").write_text("half")
    async with running(folder) as postgres:
        assert await is_serving(postgres.url)


async def test_a_failed_start_reports_the_log(folder: Path) -> None:
    """The error has the last lines of PostgreSQL's log."""
    postgres = await embedded.start(folder)
    await postgres.stop()
    settings = folder / "postgres/data/postgresql.auto.conf"
    settings.write_text("work_mem = 'nonsense'\n")
    with pytest.raises(embedded.EmbeddedError, match="nonsense"):
        await embedded.start(folder)


async def test_a_folder_that_postgresql_cannot_enter_is_an_error(tmp_path: Path) -> None:
    """As root, a data folder below a private folder of root is reported with the setting's name."""
    if os.geteuid() != 0:
        async with running(tmp_path / "d") as postgres:
            assert await is_serving(postgres.url)
        return
    tmp_path.chmod(0o700)
    with pytest.raises(embedded.EmbeddedError, match=r"db\.data_dir"):
        await embedded.start(tmp_path / "d")
