"""Servers on the embedded PostgreSQL: shared, left running for others, adopted after a kill."""

import asyncio
import os
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.support.database.databases import short_folder
from tests.support.servers.in_process_server import RunningServer
from tests.support.servers.server_process import COMMAND, ServerProcess, plain_environ

pytestmark = pytest.mark.slow


@pytest.fixture
def data_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's own user can enter, also under root."""
    folder = short_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def _server(
    tmp_path: Path, data: Path, name: str, more: dict[str, str] | None = None
) -> AsyncIterator[ServerProcess]:
    """Yield a server on an embedded database; stop it at the end if it still runs."""
    server = ServerProcess(_environ(tmp_path, data, more or {}), tmp_path / f"{name}.log")
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def _environ(tmp_path: Path, data: Path, more: dict[str, str]) -> dict[str, str]:
    return {
        **plain_environ(),
        "RUSTYGPT_CONFIG_DIR": str(tmp_path),
        "RUSTYGPT_DATA_DIR": str(data),
        "RUSTYGPT__LLM__DEFAULT_MODEL": "demo",
        **more,
    }


@asynccontextmanager
async def _users(server: ServerProcess) -> AsyncIterator[RunningServer]:
    """Yield the users of a server; close their connections at the end."""
    running = RunningServer(server.url)
    try:
        yield running
    finally:
        for person in running.people.values():
            await person.client.aclose()


def _postmaster(data: Path) -> int:
    lock = data / "postgres" / "data" / "postmaster.pid"
    return int(lock.read_text().splitlines()[0]) if lock.exists() else 0


async def test_two_servers_share_one_database(tmp_path: Path, data_folder: Path) -> None:
    """One server shows what the other stored; when the first stops, the second continues."""
    async with _server(tmp_path, data_folder, "one") as one, _users(one) as first:
        ann = await first.person("ann")
        conversation_id = await ann.conversation("shared")
        async with _server(tmp_path, data_folder, "two") as two, _users(two) as second:
            pid = _postmaster(data_folder)
            assert await one.stop() == 0
            again = await second.sign_in("ann")
            shown = await again.get(f"/api/conversations/{conversation_id}")
            await again.root(conversation_id, "still here")
            assert _postmaster(data_folder) == pid

    assert shown["title"] == "shared"
    assert _postmaster(data_folder) == 0


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_closed_terminal_ends_the_server_and_its_database(
    tmp_path: Path, data_folder: Path, workers: int
) -> None:
    """SIGHUP ends it as SIGTERM does, also when several processes serve."""
    more = {"RUSTYGPT__SERVER__WORKERS": str(workers)}
    async with _server(tmp_path, data_folder, "one", more) as server:
        assert _postmaster(data_folder)
        os.kill(server.pid, signal.SIGHUP)
        assert await server.wait() == 0

    assert _postmaster(data_folder) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
async def test_a_signal_while_it_starts_leaves_no_database_running(
    tmp_path: Path, data_folder: Path, number: signal.Signals
) -> None:
    """The exit code names the signal; what was created is usable."""
    environ = _environ(tmp_path, data_folder, {})
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "serve", "--port", "0", env=environ, stdin=DEVNULL, stderr=PIPE
    )
    assert process.stderr is not None
    async with asyncio.timeout(60):
        while b"starting the database" not in await process.stderr.readline():
            pass
        process.send_signal(number)
        errors = await process.stderr.read()
        assert await process.wait() == 128 + number

    assert b"Traceback" not in errors
    assert b"Ready" not in errors
    assert _postmaster(data_folder) == 0
    assert (data_folder / "postgres" / "data" / "PG_VERSION").exists()


async def test_a_killed_server_leaves_a_usable_database(tmp_path: Path, data_folder: Path) -> None:
    """PostgreSQL survives the server, and the next start uses it as it is."""
    async with _server(tmp_path, data_folder, "one") as server, _users(server) as running:
        ann = await running.person("ann")
        conversation_id = await ann.conversation("kept")
        pid = _postmaster(data_folder)
        await server.kill()
        assert _postmaster(data_folder) == pid
        await server.start()
        assert _postmaster(data_folder) == pid
        shown = await ann.get(f"/api/conversations/{conversation_id}")

    assert shown["title"] == "kept"
    assert _postmaster(data_folder) == 0
