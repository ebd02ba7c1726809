"""The command `serve` as the user or program that started it sees it."""

import asyncio
import json
import socket
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
from tests.support.database import databases
from tests.support.servers.server_process import COMMAND, plain_environ

pytestmark = pytest.mark.slow


async def _serve(
    tmp_path: Path, *arguments: str, database: str = "", stdin: int | None = PIPE
) -> asyncio.subprocess.Process:
    """Start `serve` with arguments in a process whose files are below `tmp_path`."""
    environ = {"RUSTYGPT_CONFIG_DIR": str(tmp_path), "RUSTYGPT__LLM__DEFAULT_MODEL": "demo"}
    environ |= {"DATABASE_URL": database} if database else {}
    return await asyncio.create_subprocess_exec(
        *COMMAND,
        "serve",
        *arguments,
        stdin=stdin,
        stdout=PIPE,
        stderr=PIPE,
        env={**plain_environ(), **environ},
        cwd=tmp_path,
    )


async def test_a_port_in_use_ends_the_start(tmp_path: Path) -> None:
    """The exit code is 1, and people and programs get one sentence."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        interactive = await _serve(tmp_path, "--port", port)
        _, errors = await interactive.communicate()
        supervised = await _serve(tmp_path, "--port", port, "--supervised")
        output, _ = await supervised.communicate()

    assert (interactive.returncode, supervised.returncode) == (1, 1)
    assert b"The server cannot start: Cannot listen on" in errors
    assert b"Traceback" not in errors
    assert "choose another with --port" in json.loads(output)["failed"]


async def test_a_database_without_access_ends_the_start(tmp_path: Path, cluster_url: str) -> None:
    """The output has the reason, and not the password."""
    url = databases.sibling_url(cluster_url, "there_is_no_such_database")
    process = await _serve(tmp_path, "--port", "0", database=url)
    output, errors = await asyncio.wait_for(process.communicate(), 60)

    assert process.returncode == 1
    assert b"The server cannot start" in errors
    assert b"Traceback" not in errors
    password = url.partition("://")[2].partition("@")[0].partition(":")[2]
    assert not password or password.encode() not in output + errors


async def test_a_database_of_a_development_version_ends_the_start(
    tmp_path: Path, cluster_url: str
) -> None:
    """One sentence names the reason and what to do; the exit code is 2."""
    url = await databases.create(cluster_url)
    async with databases.connected(url) as connection:
        await connection.execute(databases.FIRST_GENERATION)
    process = await _serve(tmp_path, "--port", "0", database=url)
    _, errors = await asyncio.wait_for(process.communicate(), 60)
    await databases.drop(cluster_url, url)

    assert process.returncode == 2
    [message] = [line for line in errors.decode().splitlines() if "cannot start" in line]
    assert message == (
        "The server cannot start: A development version before 0.1.0 created this database, which "
        "cannot be upgraded: name an empty database in db.url, or drop the schema rustygpt with "
        "all its data."
    )
    assert b"Traceback" not in errors


async def test_a_supervised_server_ends_with_its_parent(tmp_path: Path, cluster_url: str) -> None:
    """It reports its progress as JSON lines, and ends when its standard input is closed."""
    url = await databases.create(cluster_url)
    process = await _serve(tmp_path, "--port", "0", "--supervised", database=url)
    assert process.stdout is not None
    assert process.stdin is not None
    reports = []
    async for line in process.stdout:
        reports.append(json.loads(line))
        if "ready" in reports[-1]:
            break
    process.stdin.close()
    exit_code = await asyncio.wait_for(process.wait(), 60)
    await databases.drop(cluster_url, url)

    assert exit_code == 0
    assert {"stage": "Checking the schema"} in reports
    assert any("setup_token" in report for report in reports)
    assert reports[-1]["ready"].startswith("http://127.0.0.1:")
