"""The log of the embedded PostgreSQL: what is in it, and how large it gets."""

import asyncio
import shutil
import stat
from pathlib import Path

import asyncpg
import pytest
from tests.support.database import databases
from tests.support.database.databases import connected
from tests.support.database.private_postgres import private_postgres
from tests.support.wait import until

from rustygpt_server.db import accounts
from rustygpt_server.db.embedded import logs
from rustygpt_server.errors import NotFound, Unavailable
from rustygpt_shared.ids import new_id

pytestmark = pytest.mark.slow


async def test_a_refused_request_is_not_in_the_log_and_other_errors_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Not one byte for 200 of them; the server logs what fails in its own sessions."""
    async with private_postgres() as postgres:
        login = await databases.prepare(postgres.url)
        async with databases.pool(postgres.url, login) as pool, connected(postgres.url) as owner:
            before = logs.total_bytes(postgres.home)
            for _ in range(200):
                with pytest.raises(NotFound):
                    await accounts.show_me(pool, new_id(0))
            after = logs.total_bytes(postgres.home)
            with pytest.raises(asyncpg.DivisionByZeroError):
                await owner.execute("SELECT 1/0")
            await until(lambda: logs.total_bytes(postgres.home) > after)
            lines = logs.read_last_lines(postgres.home, 3)
            with pytest.raises(Unavailable):
                await pool.fetch_value("SELECT pg_sleep(60)")

    assert after == before
    assert any("division by zero" in line for line in lines)
    assert "sqlstate=57014" in capsys.readouterr().out


async def test_the_log_rotates_within_its_bound() -> None:
    """Whatever is logged, the files together come below the bound, and the latest lines remain."""
    written = 3 * logs.MAX_BYTES
    async with private_postgres() as postgres, connected(postgres.url) as owner:
        await owner.execute("SET client_min_messages = error")
        for _ in range(written // 100_000):
            await owner.execute("DO $$ BEGIN RAISE LOG '%', repeat('x', 100000); END $$")
        await owner.execute("DO $$ BEGIN RAISE LOG 'the last line'; END $$")
        await until(lambda: logs.total_bytes(postgres.home) <= logs.MAX_BYTES, 60)
        # The latest file is emptied when it alone is above the bound: a line may be lost with it.
        async with asyncio.timeout(60):
            while not _has_line(postgres.home, "one more"):
                await owner.execute("DO $$ BEGIN RAISE LOG 'one more'; END $$")
                await asyncio.sleep(0.1)
        names = list((postgres.home / "logs").iterdir())
        assert len(names) >= 1
        assert {stat.S_IMODE(name.stat().st_mode) for name in names} == {0o600}


def _has_line(home: Path, text: str) -> bool:
    return any(text in line for line in logs.read_last_lines(home, 5))


def test_only_log_files_are_deleted(tmp_path: Path) -> None:
    """Neither other files, nor files behind a link that took the folder's place."""
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    for place in (home / "logs", elsewhere):
        place.mkdir(parents=True)
        for second in range(4):
            (place / f"postgresql-20260101-00000{second}.log").write_bytes(b"x" * 100)
        (place / "notes.log").write_bytes(b"x" * 100)
    logs.prune(home, 250)
    assert sorted(file.name for file in (home / "logs").iterdir()) == [
        "notes.log",
        "postgresql-20260101-000002.log",
        "postgresql-20260101-000003.log",
    ]
    logs.prune(home, 50)
    assert logs.total_bytes(home) == 0
    shutil.rmtree(home / "logs")
    (home / "logs").symlink_to(elsewhere)
    with pytest.raises(OSError, match="logs"):
        logs.prune(home, 50)
    assert len(list(elsewhere.iterdir())) == 5
