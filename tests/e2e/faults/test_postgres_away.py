"""PostgreSQL stops under a running server, and starts again."""

import asyncio
import signal
import time

import httpx
import pytest
from tests.e2e.faults.conftest import Servers
from tests.support.clients.load_generator import last_number, post_load, texts
from tests.support.database.private_postgres import PrivatePostgres, private_postgres
from tests.support.servers.in_process_server import RunningServer
from tests.support.streams.raw_streams import streams

pytestmark = pytest.mark.slow


async def _ready(url: str) -> bool:
    async with httpx.AsyncClient(base_url=url, timeout=5) as client:
        return (await client.get("/readyz")).status_code == 200


async def _until_ready(url: str, seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not await _ready(url):
            await asyncio.sleep(0.02)


async def _restart(postgres: PrivatePostgres, how: signal.Signals, url: str) -> float:
    """Restart PostgreSQL; return the seconds until a server was ready afterwards."""
    await postgres.stop(how)
    async with asyncio.timeout(60):
        while await _ready(url):
            await asyncio.sleep(0.02)
    await postgres.start()
    back = time.monotonic()
    await _until_ready(url)
    return time.monotonic() - back


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["fast", "immediate"])
async def test_a_restart_of_postgresql_loses_nothing(servers: Servers, how: signal.Signals) -> None:
    """Streams at both servers stay open without a gap.

    Posts succeed or get 503 with a retry time.
    """
    async with private_postgres() as postgres, servers(postgres.url, 2) as cluster:
        one, two = (RunningServer(url) for url in cluster.urls)
        ann = await one.person("ann")
        there = await two.sign_in("ann")
        conversation_id = await ann.conversation()
        root = await ann.root(conversation_id)
        async with (
            streams(ann, conversation_id, 3) as here,
            streams(there, conversation_id, 3) as away,
        ):
            async with post_load(ann, there, root=root) as writer:
                await writer.wait_for_more(20)
                seconds = await _restart(postgres, how, cluster.urls[0])
                await writer.wait_for_more(20, seconds=60)
            kept, last = await texts(ann, root), await last_number(ann, conversation_id)
            for stream in (*here, *away):
                await stream.wait_for_number(last)
                assert stream.numbers()[0] == 3
                assert not stream.ended.is_set()
        for running in (one, two):
            await running.close()

    assert seconds < 60
    assert writer.acknowledged <= set(kept)
    assert len(kept) == len(set(kept))
    assert {answer.status_code for answer in writer.refused} == {503}
    assert all(answer.headers["retry-after"] for answer in writer.refused)


async def test_a_server_waits_for_a_database_that_starts_later(servers: Servers) -> None:
    """It is ready a moment after PostgreSQL, and not before."""
    async with private_postgres() as postgres:
        await postgres.stop(signal.SIGINT)
        starting = asyncio.create_task(_starts(servers, postgres.url))
        await asyncio.sleep(2)
        assert not starting.done()
        await postgres.start()
        await asyncio.wait_for(starting, 60)


async def _starts(servers: Servers, url: str) -> None:
    """Start a server, check that it is ready, and stop it."""
    async with servers(url) as cluster:
        await _until_ready(cluster.urls[0])
        assert await cluster.servers[0].stop() == 0
