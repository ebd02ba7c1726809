"""The life of `serve`, as whoever started it sees it."""

import asyncio
import json
import socket
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
from tests.support.database import databases
from tests.support.servers.server_process import COMMAND, plain_environ

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


async def _serve(
    tmp_path: Path, *words: str, database: str = "", stdin: int | None = PIPE
) -> asyncio.subprocess.Process:
    more = {"RUSTYGPT_CONFIG_DIR": str(tmp_path), "RUSTYGPT__LLM__DEFAULT_MODEL": "demo"}
    more |= {"DATABASE_URL": database} if database else {}
    return await asyncio.create_subprocess_exec(
        *(*COMMAND, "serve", *words),
        stdin=stdin,
        stdout=PIPE,
        stderr=PIPE,
        env={**plain_environ(), **more},
        cwd=tmp_path,
    )


async def test_a_port_that_is_taken_ends_the_start(tmp_path: Path) -> None:
    """One sentence and exit code 1, for people and for programs."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        person = await _serve(tmp_path, "--port", port)
        _, err = await person.communicate()
        program = await _serve(tmp_path, "--port", port, "--supervised")
        out, _ = await program.communicate()

    assert (person.returncode, program.returncode) == (1, 1)
    assert b"The server cannot start: Cannot listen on" in err
    assert b"Traceback" not in err
    assert "choose another with --port" in json.loads(out)["failed"]


async def test_a_database_that_lets_nobody_in_ends_the_start(
    tmp_path: Path, cluster_url: str
) -> None:
    """The reason is told, the password is not."""
    url = databases.sibling_url(cluster_url, "there_is_no_such_database")
    process = await _serve(tmp_path, "--port", "0", database=url)
    out, err = await asyncio.wait_for(process.communicate(), 60)

    assert process.returncode == 1
    assert b"The server cannot start" in err
    assert b"Traceback" not in err
    password = url.partition("://")[2].partition("@")[0].partition(":")[2]
    assert not password or password.encode() not in out + err


async def test_a_database_of_a_development_version_ends_the_start(
    tmp_path: Path, cluster_url: str
) -> None:
    """One sentence says so and what to do, with exit code 2."""
    url = await databases.create(cluster_url)
    async with databases.connected(url) as connection:
        await connection.execute(databases.FIRST_GENERATION)
    process = await _serve(tmp_path, "--port", "0", database=url)
    _, err = await asyncio.wait_for(process.communicate(), 60)
    await databases.drop(cluster_url, url)

    assert process.returncode == 2
    [said] = [line for line in err.decode().splitlines() if "cannot start" in line]
    assert said == (
        "The server cannot start: A development version before 0.1.0 created this database, which "
        "cannot be upgraded: name an empty database in db.url, or drop the schema rustygpt with "
        "all its data."
    )
    assert b"Traceback" not in err


async def test_a_supervised_server_ends_with_its_parent(tmp_path: Path, cluster_url: str) -> None:
    """When its standard input closes; before that it has told how it stands, line by line."""
    url = await databases.create(cluster_url)
    process = await _serve(tmp_path, "--port", "0", "--supervised", database=url)
    assert process.stdout is not None
    assert process.stdin is not None
    told = []
    async for line in process.stdout:
        told.append(json.loads(line))
        if "ready" in told[-1]:
            break
    process.stdin.close()
    code = await asyncio.wait_for(process.wait(), 15)
    await databases.drop(cluster_url, url)

    assert code == 0
    assert {"stage": "Checking the schema"} in told
    assert any("setup_token" in one for one in told)
    assert told[-1]["ready"].startswith("http://127.0.0.1:")
