"""The embedded PostgreSQL: private, shared by its holders, and there again after anything."""

import asyncio
import os
import shutil
import signal
import stat
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from tests.support.database.databases import connected, short_folder

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


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that does not exist yet."""
    place = short_folder()
    yield place
    shutil.rmtree(place, ignore_errors=True)


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[embedded.EmbeddedPostgres]:
    """The database, for a while."""
    held = await embedded.start(folder)
    try:
        yield held
    finally:
        await held.stop()


@asynccontextmanager
async def holder(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another process that holds the database until its input ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", HOLDER, str(folder)),
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


async def answers(url: str) -> bool:
    """Whether the database serves."""
    try:
        async with connected(url) as connection:
            return bool(await connection.fetchval("SELECT true"))
    except (OSError, asyncpg.PostgresError):
        return False


def mode(path: Path) -> int:
    """The bits of a path's mode."""
    return stat.S_IMODE(path.stat().st_mode)


def lock_file(folder: Path) -> str:
    """What PostgreSQL's lock file says; nothing when it does not run."""
    try:
        return (folder / "postgres/data/postmaster.pid").read_text()
    except FileNotFoundError:
        return ""


def pid(folder: Path) -> int:
    """The process of PostgreSQL."""
    return int(lock_file(folder).split()[0])


async def test_data_outlives_a_stop_and_starting_is_quick(folder: Path) -> None:
    """The first start tells what it does; the next is quick and finds the data again."""
    told: list[str] = []
    first = await embedded.start(folder, told.append)
    assert told == ["preparing the database", "starting the database"]
    async with connected(first.url) as connection:
        await connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
        assert await connection.fetchval("SHOW fsync") == "on"
    await first.stop()
    await first.stop()
    assert not await answers(first.url)
    begun = time.monotonic()
    async with running(folder) as again, connected(again.url) as connection:
        assert time.monotonic() - begun < 1.5
        assert await connection.fetchval("SELECT n FROM kept") == 42


async def test_everything_is_private(folder: Path) -> None:
    """Folders are 0700, the password 0600, the socket only for its owner; no TCP, no trust."""
    async with running(folder) as held:
        home = folder / "postgres"
        for place in (folder, home, home / "data", home / "socket"):
            assert mode(place) == 0o700
        assert mode(home / "password") == 0o600
        assert mode(home / "socket" / ".s.PGSQL.5432") == 0o700
        async with connected(held.url) as connection:
            assert await connection.fetchval("SHOW listen_addresses") == ""
            assert await connection.fetchval("SHOW password_encryption") == "scram-sha-256"
            rules = await connection.fetch("SELECT auth_method FROM pg_hba_file_rules")
            assert {row[0] for row in rules} == {"scram-sha-256"}
            lower = await connection.fetchval("SELECT lower('ÄÖ')")
            assert lower == "äö"
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(held.url, password="wrong")
        assert (home / "data").stat().st_uid != 0, "PostgreSQL does not run as root"


async def test_an_existing_folder_keeps_its_mode(folder: Path) -> None:
    """A folder that was there is used as it is."""
    folder.mkdir()
    folder.chmod(0o755)
    async with running(folder) as held:
        assert await answers(held.url)
        assert mode(folder) == 0o755
        assert mode(folder / "postgres") == 0o700


async def test_a_folder_open_to_others_is_refused(folder: Path) -> None:
    """Data are not put where others may look; the folder's mode is not changed either."""
    (folder / "postgres").mkdir(parents=True)
    folder.chmod(0o755)
    (folder / "postgres").chmod(0o755)
    with pytest.raises(embedded.EmbeddedError, match="0700"):
        await embedded.start(folder)
    assert mode(folder / "postgres") == 0o755


async def test_a_long_path_has_its_socket_elsewhere(folder: Path) -> None:
    """Where a socket's path would be too long, a short private folder is used, time and again."""
    deep = folder / ("d" * 60) / ("e" * 60)
    sockets = set()
    for _ in range(2):
        async with running(deep) as held:
            assert await answers(held.url)
            (note,) = (deep / "postgres").glob("socket-folder")
            sockets.add(Path(note.read_text()))
    (short,) = sockets
    assert mode(short) == 0o700
    shutil.rmtree(short)
    async with running(deep) as held:
        assert await answers(held.url)
        again = Path(note.read_text())
    shutil.rmtree(again)


async def test_the_last_holder_stops_it(folder: Path) -> None:
    """A second process uses the same database; it stops with the last of them."""
    async with holder(folder) as other:
        held = await embedded.start(folder)
        postmaster = pid(folder)
        await other.communicate(b"\n")
        assert await answers(held.url)
        assert pid(folder) == postmaster
        await held.stop()
    assert not await answers(held.url)


async def test_a_killed_holder_is_forgotten(folder: Path) -> None:
    """A holder that was killed keeps nothing running; what it left running is adopted."""
    async with holder(folder) as other:
        postmaster = pid(folder)
        other.kill()
        await other.wait()
    held = await embedded.start(folder)
    assert pid(folder) == postmaster
    await held.stop()
    assert not await answers(held.url)


async def test_a_reused_pid_is_nobody(folder: Path) -> None:
    """A living process with the pid of a holder, but another start, does not count."""
    held = await embedded.start(folder)
    holders = folder / "postgres" / "holders"
    holders.write_text(holders.read_text() + f"{os.getppid()} 1\n")
    await held.stop()
    assert not await answers(held.url)


async def test_many_starts_at_once(folder: Path) -> None:
    """Starts at the same moment make one database."""
    held = await asyncio.gather(*(embedded.start(folder) for _ in range(4)))
    assert len({h.url for h in held}) == 1
    for one in held:
        assert await answers(one.url)
        await one.stop()
    assert not await answers(held[0].url)


async def test_killed_postgresql_comes_back(folder: Path) -> None:
    """After PostgreSQL itself was killed the next start recovers what was committed."""
    held = await embedded.start(folder)
    async with connected(held.url) as connection:
        await connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
    os.kill(pid(folder), signal.SIGKILL)
    await held.stop()
    async with running(folder) as again, connected(again.url) as connection:
        assert await connection.fetchval("SELECT n FROM kept") == 42


async def test_one_that_is_just_stopping_is_waited_for(folder: Path) -> None:
    """A start while PostgreSQL still goes down waits for that, and then starts it."""
    first = await embedded.start(folder)
    os.kill(pid(folder), signal.SIGINT)
    while "ready" in lock_file(folder):
        await asyncio.sleep(0.001)
    async with running(folder) as held:
        assert await answers(held.url)
    await first.stop()


async def test_a_lock_file_of_another_time(folder: Path) -> None:
    """A lock file left by a PostgreSQL that is gone does not count, whoever has its pid now."""
    async with running(folder):
        lines = (folder / "postgres/data/postmaster.pid").read_text().splitlines()
    left = folder / "postgres/data/postmaster.pid"
    left.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    (folder / "postgres/socket/.s.PGSQL.5432.lock").write_text(left.read_text())
    async with running(folder) as held:
        assert await answers(held.url)


async def test_half_made_data_are_made_anew(folder: Path) -> None:
    """What a killed first start left behind does not stop the next one."""
    home = folder / "postgres"
    owner = folders.owner_of(home)
    folders.make_private(home, owner)
    (home / "data.partial" / "base").mkdir(parents=True)
    (home / "password").write_text("half")
    async with running(folder) as held:
        assert await answers(held.url)


async def test_a_broken_start_tells_the_log(folder: Path) -> None:
    """When PostgreSQL does not start, its last words are told."""
    held = await embedded.start(folder)
    await held.stop()
    settings = folder / "postgres/data/postgresql.auto.conf"
    settings.write_text("work_mem = 'nonsense'\n")
    with pytest.raises(embedded.EmbeddedError, match="nonsense"):
        await embedded.start(folder)


async def test_a_folder_postgresql_cannot_enter(tmp_path: Path) -> None:
    """As root: data below a folder of root's own are refused in a sentence, not in a crash."""
    if os.geteuid() != 0:
        async with running(tmp_path / "d") as held:
            assert await answers(held.url)
        return
    tmp_path.chmod(0o700)
    with pytest.raises(embedded.EmbeddedError, match=r"db\.data_dir"):
        await embedded.start(tmp_path / "d")
