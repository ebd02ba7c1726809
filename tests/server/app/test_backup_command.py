"""The commands `backup`, `restore-backup` and `doctor`, through the program."""

import asyncio
import json
import os
import signal
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
from tests.support.clients.cli_runner import CliResult, rustygpt
from tests.support.database import databases
from tests.support.database.databases import connected
from tests.support.servers.server_process import COMMAND
from tests.support.wait import until

pytestmark = pytest.mark.timeout(300)


async def test_a_backup_is_made_checked_and_restored(
    cluster_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Errors are one sentence; the exit code says whether it was done."""
    file = tmp_path / "the backup"
    first, second = [await databases.create(cluster_url) for _ in range(2)]
    monkeypatch.chdir(tmp_path)

    async def run(url: str, *words: str) -> CliResult:
        monkeypatch.setenv("DATABASE_URL", url)
        return await rustygpt(*words)

    try:
        result = await run(first, "backup", str(file))
        assert result.code == 1
        assert "start it once" in result.err
        await databases.prepare(first)
        result = await run(first, "doctor")
        assert (result.code, "There is no backup" in result.out) == (0, True)
        result = await run(first, "backup", "the backup")
        assert (result.code, result.out) == (0, "")
        assert f"Wrote {file.name}" in result.err
        result = await run(first, "backup", str(file), "--quiet")
        assert result.code == 1
        assert result.err == f"rustygpt: {file} exists already; name another file.\n"
        result = await run(first, "doctor", "--json")
        findings = [json.loads(line) for line in result.out.splitlines()]
        assert [one["status"] for one in findings] == ["ok", "ok", "ok"], findings
        result = await run(second, "restore-backup", str(file), "--quiet")
        assert (result.code, result.out, result.err) == (0, "", "")
        result = await run(second, "restore-backup", str(file))
        assert (result.code, "into an empty one" in result.err) == (1, True)
        result = await run(second, "restore-backup", "nothing")
        assert (result.code, "There is no file" in result.err) == (1, True)
        (tmp_path / "notes").write_text("no backup")
        result = await run(second, "restore-backup", "notes")
        assert (result.code, "notes is not a backup" in result.err) == (1, True)
        result = await run(first, "backup", "missing/backup")
        assert result.code == 1
        assert result.err == (
            f"rustygpt: {tmp_path}/missing/backup cannot be written: no such file or directory.\n"
        )
    finally:
        for url in (first, second):
            await databases.drop(cluster_url, url)


async def test_doctor_finds_an_old_a_damaged_and_a_missing_backup(
    cluster_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged one fails; the others are warnings."""
    file = tmp_path / "backup"
    url = await databases.create(cluster_url)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.chdir(tmp_path)

    async def found() -> tuple[int, str]:
        result = await rustygpt("doctor", "--json")
        last = json.loads(result.out.splitlines()[-1])
        return result.code, f"{last['status']}: {last['message']}"

    try:
        await databases.prepare(url)
        assert (await rustygpt("backup", str(file))).code == 0
        async with connected(url) as connection:
            await connection.execute(
                "UPDATE rustygpt.audit_entries SET created_at = created_at - interval '8 days'"
            )
        code, message = await found()
        assert (code, message.partition(":")[0]) == (0, "warning")
        assert "8 days old and readable" in message
        data = file.read_bytes()
        file.write_bytes(data[:-100] + bytes(100))
        await asyncio.to_thread(os.truncate, file, 300)
        code, message = await found()
        assert (code, "damaged" in message) == (1, True)
        file.write_bytes(bytes(len(data)))
        code, message = await found()
        assert (code, "cannot be read" in message) == (1, True)
        file.unlink()
        code, message = await found()
        assert (code, "not on this machine" in message) == (0, True)
    finally:
        await databases.drop(cluster_url, url)


async def test_doctor_says_that_there_is_no_database(
    cluster_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one sentence, without a password."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "postgresql://ann:secret1@127.0.0.1:9/none")
    result = await rustygpt("doctor")
    assert result.code == 1
    assert result.out.splitlines()[-1].startswith("failed")
    assert "secret1" not in result.out + result.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_backup_that_is_stopped_leaves_nothing(
    cluster_url: str, tmp_path: Path, number: signal.Signals
) -> None:
    """Neither a file nor a program; until then it is in a folder that only its user reads."""
    url = await databases.create(cluster_url)
    folder = tmp_path / "backups"
    folder.mkdir()
    try:
        await databases.prepare(url)
        async with connected(url) as connection, connection.transaction():
            await connection.execute("LOCK TABLE rustygpt.messages IN ACCESS EXCLUSIVE MODE")
            process = await asyncio.create_subprocess_exec(
                *(*COMMAND, "backup", str(folder / "backup")),
                env={**os.environ, "DATABASE_URL": url},
                stderr=PIPE,
            )
            await until(lambda: any(folder.iterdir()))
            [unfinished] = folder.iterdir()
            mode = unfinished.stat().st_mode & 0o777
            process.send_signal(number)
            _, err = await asyncio.wait_for(process.communicate(), 60)
            left = list(folder.iterdir())
    finally:
        await databases.drop(cluster_url, url)

    assert process.returncode == 128 + number
    assert err.decode() == "rustygpt: Stopped before it was done.\n"
    assert left == []
    assert mode == 0o700
