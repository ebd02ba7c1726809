"""Presence across real processes: the user of a killed process becomes offline at the others."""

import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.support.database import databases
from tests.support.database.databases import connected
from tests.support.servers.in_process_server import HttpUser, RunningServer, SseStream
from tests.support.servers.server_process import server_process

pytestmark = pytest.mark.slow

_ENVIRON = {
    "RUSTYGPT__LLM__DEFAULT_MODEL": "demo",
    "RUSTYGPT__SSE__HEARTBEAT_SECONDS": "5",
    "RUSTYGPT_PROFILE": "test",
}
_AGE = """
UPDATE rustygpt.presence SET last_seen_at = last_seen_at - make_interval(secs => $1)
"""


async def _set_back_heartbeats(url: str, seconds: int) -> None:
    """Move every last heartbeat in the database back by a number of seconds."""
    async with connected(url) as owner:
        await owner.execute(_AGE, seconds)


async def _status(stream: SseStream, seconds: float) -> str:
    return str((await stream.next("presence.update", seconds=seconds))["payload"]["status"])


async def _shown(person: HttpUser, conversation_id: str) -> dict[str, Any]:
    shown = await person.get(f"/api/conversations/{conversation_id}/presence")
    return {one["user_id"]: one["status"] for one in shown["users"]}


async def test_presence_survives_a_killed_process(tmp_path: Path, cluster_url: str) -> None:
    """Bob's process is killed: at the other one he becomes away, then offline.

    Away after 45 s of that process's clock; the further minutes are taken from the database.
    """
    url = await databases.create(cluster_url)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(databases.drop, cluster_url, url)
        servers = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            running = server_process(tmp_path / name, url, **_ENVIRON)
            servers.append(await stack.enter_async_context(running))
        one, two = (RunningServer(server.url) for server in servers)
        for site in (one, two):
            stack.push_async_callback(site.close)
        bob = await one.person("bob")
        conversation_id = await bob.conversation(is_group=True)
        there = await two.sign_in("bob")
        async with there.follow(conversation_id) as stream:
            await stream.next("stream.open")
            await bob.post("/api/presence/heartbeat", {}, expect=204)
            started = time.monotonic()
            assert await _status(stream, 60) == "online"
            await servers[0].kill()
            assert await _status(stream, 200) == "away"
            silent = time.monotonic() - started
        assert await _shown(there, conversation_id) == {str(bob.id): "away"}
        await _set_back_heartbeats(url, 300)
        assert await _shown(there, conversation_id) == {str(bob.id): "offline"}

    assert silent > 44
