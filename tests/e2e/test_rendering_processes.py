"""The rendering processes of real servers: they end with them, however those end."""

import sys
from pathlib import Path

import httpx
import pytest
from tests.support.password import PASSWORD
from tests.support.servers.server_process import ServerProcess, server_process
from tests.support.wait import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def _rendering_processes(folder: Path) -> list[int]:
    """Return the ids of rendering processes whose environment names this folder's server."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                command = (process / "cmdline").read_bytes()
                environment = (process / "environ").read_bytes()
            except OSError:
                continue
            if b"rendering.worker" in command and f"HOME={folder}".encode() in environment:
                found.append(int(process.name))
    return found


async def _render_a_message(server: ServerProcess) -> str:
    """Post a message as the first user, and return its HTML."""
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        account = {"username": "ann", "email": "ann@example.org", "password": PASSWORD}
        (await client.post("/api/setup", json=account)).raise_for_status()
        login = {"email": "ann", "password": PASSWORD}
        token = (await client.post("/api/auth/login", json=login)).json()["csrf_token"]
        client.headers["X-CSRF-TOKEN"] = token
        conversation = {"title": "c", "assistant_mode": "off"}
        created = (await client.post("/api/conversations", json=conversation)).json()
        path = f"/api/threads/{created['conversation_id']}/root"
        posted = (await client.post(path, json={"content": "**b**"})).json()
        response = await client.get(f"/api/messages/{posted['message_id']}?render=html")
        return str(response.json()["html"])


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_they_end_with_their_server(
    tmp_path: Path, empty_database_url: str, workers: str, end: str
) -> None:
    """After SIGTERM and after SIGKILL, with one process and with several."""
    variables = {"HOME": str(tmp_path), "RUSTYGPT__SERVER__WORKERS": workers}
    async with server_process(tmp_path, empty_database_url, **variables) as server:
        assert "<strong>b</strong>" in await _render_a_message(server)
        assert len(_rendering_processes(tmp_path)) == 1
        if end == "kill":
            await server.kill()

    await until(lambda: _rendering_processes(tmp_path) == [])
