"""A database is restored from a backup: event numbers are assigned again, to other events."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.e2e.faults.conftest import Servers
from tests.support.clients.load_generator import last_number
from tests.support.database.databases import connected
from tests.support.servers.in_process_server import InProcessServer, RunningServer
from tests.support.streams.raw_streams import open_stream, streams

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.slow


async def _copy(cluster_url: str, source: str, target: str) -> None:
    """Make one database a copy of another; for a moment no session is connected to either."""
    async with connected(cluster_url) as operator:
        for name in (source, target):
            await operator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
            )
        await operator.execute(f"DROP DATABASE IF EXISTS {target} WITH (FORCE)")
        await operator.execute(f"CREATE DATABASE {target} TEMPLATE {source}")


async def _close(cluster_url: str, name: str, *, to_all: bool) -> None:
    async with connected(cluster_url) as operator:
        allowed = "false" if to_all else "true"
        await operator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}")


async def test_open_streams_notice_that_the_log_went_back(
    servers: Servers, cluster_url: str, fresh_url: str
) -> None:
    """Restored under a running server: streams are reset, and get what is written from then on."""
    name = urlsplit(fresh_url).path[1:]
    backup = f"{name}_backup"
    async with servers(fresh_url) as cluster:
        running = RunningServer(cluster.urls[0])
        ann = await running.person("ann")
        conversation_id = await ann.conversation()
        root = await ann.root(conversation_id)
        await cluster.superuser.close()
        await _close(cluster_url, name, to_all=True)
        await _copy(cluster_url, name, backup)
        await _close(cluster_url, name, to_all=False)
        await _ready(ann)
        async with streams(ann, conversation_id, 1) as (stream,):
            for number in range(10):
                await ann.reply(root, f"lost {number}")
            await stream.until("message.new")
            await _copy(cluster_url, backup, name)
            await _ready(ann)
            await ann.reply(root, "after")
            reset = (await stream.until("stream.reset", seconds=60))[0]
            again = await open_stream(ann, conversation_id, "evt_22")
            await again.until("stream.reset")
            last = await last_number(ann, conversation_id)
            await ann.reply(root, "and on")
            async with asyncio.timeout(60):
                while stream.numbers()[-1] != last + 2:
                    await asyncio.sleep(0.02)
            await again.close()
        await running.close()
    async with connected(cluster_url) as operator:
        await operator.execute(f"DROP DATABASE {backup} WITH (FORCE)")

    assert reset["payload"]["last_event_id"] in {"evt_2", "evt_4"}


async def _ready(person: Any) -> None:
    async with asyncio.timeout(60):
        while (await person.client.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.05)


async def test_after_the_documented_step_every_old_cursor_leads_to_a_reset(
    server: InProcessServer, superuser: Any
) -> None:
    """After the step in `docs/database.md` no old event number is valid."""
    text = (ROOT / "docs" / "database.md").read_text("utf-8")
    step = (
        text.split("## Backups")[1].split("by other means")[1].split("```sql\n")[1].split("```")[0]
    )
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    root = await ann.root(conversation_id)
    before = await last_number(ann, conversation_id)
    await superuser.execute(step)
    for _ in range(5):
        await ann.reply(root)
    for number in range(before + 1):
        async with ann.follow(conversation_id, f"evt_{number}") as stream:
            reset = await stream.next("stream.reset", seconds=60)
            assert reset["payload"]["reason"] == "trimmed"
