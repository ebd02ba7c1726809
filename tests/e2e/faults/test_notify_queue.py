"""PostgreSQL's queue of notifications is full: a listening session keeps a transaction open."""

import asyncio
from contextlib import suppress

import asyncpg
import pytest
from tests.e2e.faults.conftest import Servers
from tests.support.clients.load_generator import last_number
from tests.support.database.databases import connected
from tests.support.database.private_postgres import private_postgres
from tests.support.servers.in_process_server import RunningServer
from tests.support.streams.raw_streams import streams

pytestmark = pytest.mark.slow


async def test_a_full_notification_queue_refuses_no_post(servers: Servers) -> None:
    """Posts succeed, the other server reads the log, and messages flow again afterwards."""
    async with (
        private_postgres(max_notify_queue_pages="64") as postgres,
        servers(postgres.url, 2) as cluster,
    ):
        one, two = (RunningServer(url) for url in cluster.urls)
        ann = await one.person("ann")
        there = await two.sign_in("ann")
        conversation_id = await ann.conversation()
        root = await ann.root(conversation_id)
        async with streams(there, conversation_id, 1) as (stream,):
            async with connected(postgres.url) as blocker, connected(postgres.url) as filler:
                await blocker.execute("LISTEN nobody")
                await blocker.execute("BEGIN")
                await blocker.fetchval("SELECT 1")
                with suppress(asyncpg.ProgramLimitExceededError):
                    while True:
                        await filler.execute("SELECT pg_notify('nobody', repeat('x', 7900))")
                for number in range(10):
                    await ann.reply(root, f"{number}")
                last = await last_number(ann, conversation_id)
                await stream.wait_for_number(last, 60)
            async with asyncio.timeout(60):
                heard = False
                while not heard:
                    await ann.reply(root, "is there room?")
                    last += 2
                    with suppress(TimeoutError):
                        await stream.wait_for_number(last, 0.5)
                        heard = True
        for running in (one, two):
            await running.close()

    log = cluster.servers[0].log
    assert "queue of notifications is full" in log
    assert "Traceback" not in log
