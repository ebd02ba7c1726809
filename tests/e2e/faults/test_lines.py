"""Connections between servers and to the database become silent, full, or repeat messages."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from tests.e2e.faults.conftest import Servers
from tests.support.clients.http_snapshots import HttpSnapshotSource, durable_state, load_all
from tests.support.clients.load_generator import until_metric
from tests.support.database.databases import connected
from tests.support.database.private_postgres import private_postgres
from tests.support.model.model_client import ModelClient, StreamContract
from tests.support.servers.in_process_server import RunningServer
from tests.support.servers.proxy import proxy
from tests.support.streams.raw_streams import streams

from rustygpt_server.app.backplane_factory import channel_name

pytestmark = pytest.mark.slow

POLL_SECONDS = 6.5
"""A look at the log every five seconds, give or take a fifth, and a moment."""


async def test_a_silent_connection_costs_seconds_and_no_events(servers: Servers) -> None:
    """Missed events are read from the log; the silent connection is noticed and replaced."""
    async with (
        private_postgres() as postgres,
        proxy(str(postgres.socket)) as between,
        servers(postgres.url) as near,
        servers(postgres.through(between.port)) as far,
    ):
        one, two = RunningServer(near.urls[0]), RunningServer(far.urls[0])
        ann = await one.person("ann")
        there = await two.sign_in("ann")
        conversation_id = await ann.conversation()
        root = await ann.root(conversation_id)
        async with streams(there, conversation_id, 1) as (stream,):
            await ann.reply(root, "heard")
            await stream.wait_for_number(4, 60)
            between.silence(lambda head: b"rustygpt listen" in head)
            await ann.reply(root, "not heard")
            await stream.wait_for_number(6, POLL_SECONDS)
            await until_metric(there.client, "rustygpt_backplane_up", 0, seconds=60)
            await ann.reply(root, "while it is known to be down")
            await stream.wait_for_number(8, 60)
            between.recover()
            await until_metric(there.client, "rustygpt_backplane_up", 1, seconds=60)
            await ann.reply(root, "heard again")
            await stream.wait_for_number(10, 60)
        await one.close()
        await two.close()


async def test_a_silent_database_is_503_and_streams_stay(servers: Servers) -> None:
    """Requests get 503 in time, probes respond, heartbeats arrive."""
    async with (
        private_postgres() as postgres,
        proxy(str(postgres.socket)) as between,
        servers(postgres.through(between.port)) as cluster,
    ):
        running = RunningServer(cluster.urls[0])
        ann = await running.person("ann")
        conversation_id = await ann.conversation()
        root = await ann.root(conversation_id)
        async with streams(ann, conversation_id, 1) as (stream,):
            between.silence()
            started = time.monotonic()
            refused = await ann.call(
                "GET", f"/api/conversations/{conversation_id}/threads", expect=503
            )
            waited = time.monotonic() - started
            assert (await ann.client.get("/healthz")).status_code == 200
            assert (await ann.client.get("/readyz")).status_code == 503
            beats = stream.keepalives
            async with asyncio.timeout(60):
                while stream.keepalives < beats + 2:
                    await asyncio.sleep(0.05)
            between.recover()
            async with asyncio.timeout(60):
                while (await ann.client.get("/readyz")).status_code != 200:
                    await asyncio.sleep(0.05)
            await ann.reply(root, "after")
            await stream.wait_for_number(4, 60)
            assert not stream.ended.is_set()
        await running.close()

    assert refused.headers["retry-after"]
    assert waited < 12


@asynccontextmanager
async def _repeat_notifications(url: str) -> AsyncIterator[None]:
    """Repeat all notifications: each one twice, and the latest first."""
    async with connected(url) as unread_stream, connected(url) as mouth:
        channel = channel_name(await mouth.fetchval("SELECT rustygpt.token_secret()"))
        heard: dict[str, None] = {}
        await unread_stream.add_listener(channel, lambda *what: heard.setdefault(what[3]))

        async def repeat() -> None:
            said: set[str] = set()
            while True:
                await asyncio.sleep(0.05)
                for packet in [p for p in reversed(heard) if p not in said] * 2:
                    said.add(packet)
                    await mouth.execute("SELECT pg_notify($1, $2)", channel, packet)

        repeating = asyncio.create_task(repeat())
        try:
            yield
        finally:
            repeating.cancel()
            await asyncio.wait([repeating])
            assert len(heard) > 10


async def test_repeated_and_reordered_messages_change_nothing(
    servers: Servers, fresh_url: str
) -> None:
    """Positions and deltas that arrive late, repeated or reordered change nothing."""
    async with servers(fresh_url, 2) as cluster, _repeat_notifications(fresh_url):
        sites = [RunningServer(url) for url in cluster.urls]
        ann = await sites[0].person("ann")
        there = await sites[1].sign_in("ann")
        conversation_id = await ann.conversation(assistant_mode="mention")
        root = await ann.root(conversation_id)
        followers = [ModelClient(conversation_id), ModelClient(conversation_id)]
        for follower, person in zip(followers, (ann, there), strict=True):
            await follower.connect(person, None, StreamContract(person.id))
        for number in range(20):
            text = "@assistant go" if number % 10 == 0 else f"{number}"
            await asyncio.gather(ann.reply(root, text), there.reply(root, text))
        await asyncio.gather(
            *(_wait_until_consistent(follower, conversation_id) for follower in followers)
        )
        for follower in followers:
            await follower.disconnect()
        for running in sites:
            await running.close()


async def _wait_until_consistent(follower: ModelClient, conversation_id: str) -> None:
    """Wait until a client's state equals the freshly fetched state."""
    person = follower.person
    assert person is not None
    fresh: Any = None
    async with asyncio.timeout(60):
        while follower.state is None or fresh is None or durable_state(follower.state) != fresh:
            follower.check()
            await asyncio.sleep(0.1)
            fresh = durable_state(
                await load_all(HttpSnapshotSource(person), UUID(conversation_id), person.id)
            )
