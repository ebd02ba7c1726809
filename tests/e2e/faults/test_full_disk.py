"""The embedded PostgreSQL on a disk that is really full: a small file system in memory."""

import asyncio
import os
import subprocess
from asyncio.subprocess import DEVNULL, PIPE, create_subprocess_exec
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import httpx
import pytest
from tests.support.servers.in_process_server import HttpUser, RunningServer
from tests.support.servers.server_process import COMMAND, ServerProcess, plain_environ

pytestmark = pytest.mark.slow

DISK_BYTES = 120 << 20


@pytest.fixture
def disk() -> Iterator[Path]:
    """A file system of 120 MB that PostgreSQL's own user can enter; only root can mount one."""
    folder = Path(f"/tmp/rgt-disk-{os.getpid()}")
    folder.mkdir()
    options = f"size={DISK_BYTES},mode=755"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()


def fill(disk: Path) -> Path:
    """Use all the space of a disk; return the file to delete."""
    file = disk / "filler"
    with file.open("wb", buffering=0) as filler:
        try:
            while filler.write(b"." * 4_096):
                pass
        except OSError:
            return file


async def post_until_refused(user: HttpUser, conversation_id: str) -> httpx.Response:
    """Post long texts that do not compress until the free pages of the tables are used up."""
    for _ in range(100):
        response = await user.try_root(conversation_id, token_hex(30_000))
        if response.status_code != 201:
            return response
    raise AssertionError("the disk is not full")


async def start_on_full_disk(environ: dict[str, str], folder: Path) -> str:
    """Return what `serve` prints when its new database would be in a folder on the full disk."""
    words = (*COMMAND, "serve", "--port", "0", "--data-dir", str(folder))
    process = await create_subprocess_exec(*words, env=environ, stdin=DEVNULL, stderr=PIPE)
    _, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    return errors.decode()


async def until_ready(client: httpx.AsyncClient) -> None:
    """Wait until the probe succeeds; its check of the disk is repeated every 5 s."""
    async with asyncio.timeout(60):
        while (await client.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.2)


async def test_a_full_disk_is_named_by_posts_probe_and_start(disk: Path, tmp_path: Path) -> None:
    """Reading goes on; with space again the server is ready and posts, without a restart."""
    environ = {
        **plain_environ(),
        "RUSTYGPT_CONFIG_DIR": str(tmp_path),
        "RUSTYGPT_DATA_DIR": str(disk / "data"),
        "RUSTYGPT__LLM__DEFAULT_MODEL": "demo",
    }
    server = ServerProcess(environ, tmp_path / "server.log")
    await server.start()
    running = RunningServer(server.url)
    try:
        ann = await running.person("ann")
        conversation_id = await ann.conversation()
        filler = fill(disk)
        refused = await post_until_refused(ann, conversation_id)
        ready = await ann.client.get("/readyz")
        shown = await ann.client.get(f"/api/conversations/{conversation_id}/threads")
        second_start = await start_on_full_disk(environ, disk / "other")
        filler.unlink()
        await until_ready(ann.client)
        await ann.root(conversation_id, "after")
    finally:
        for person in running.people.values():
            await person.client.aclose()
        await server.stop()

    assert refused.status_code == 503
    assert refused.json()["detail"].startswith(
        "The disk of the database is full, and nothing was stored"
    )
    assert ready.json() == {"ready": False, "missing": ["space on the disk of the database"]}
    assert shown.status_code == 200
    assert "the disk is full; free space there, and start again" in second_start
