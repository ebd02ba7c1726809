"""Streams without a log of events: numbers go on, and what is gone is told."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.support.servers.in_process_server import StartServer
from tests.support.servers.two_servers import TwoServers, two_servers
from tests.support.wait import until

from rustygpt_server.realtime.ring import RING_EVENTS
from rustygpt_shared.settings import Db, Llm, Persistence, Settings, Sse

SETTINGS = Settings(
    llm=Llm(default_model="demo"),
    db=Db(max_connections=4),
    sse=Sse(persistence=Persistence(enabled=False), max_backfill_events=10_000),
)


@pytest.fixture
async def servers_without_log(start_server: StartServer) -> AsyncIterator[TwoServers]:
    """Both servers, with one clock."""
    async with two_servers(start_server, {}, settings=SETTINGS) as two:
        yield two


async def test_events_cross_inside_the_backplane(
    servers_without_log: TwoServers, superuser: Any
) -> None:
    """Numbered and in order as ever, though the log has none of them."""
    async with servers_without_log.ann_at_second.follow(
        servers_without_log.conversation_id
    ) as there:
        await there.next("stream.open")
        root = await servers_without_log.ann.root(servers_without_log.conversation_id)
        await servers_without_log.ann.reply(root)
        seen = [(await there.next())["id"] for _ in range(4)]

    assert seen == ["evt_1", "evt_2", "evt_3", "evt_4"]
    assert await superuser.fetchval("SELECT count(*) FROM rustygpt.events") == 0


async def test_recent_events_are_resumed_from(servers_without_log: TwoServers) -> None:
    """A short break costs nothing while somebody else reads along."""
    async with servers_without_log.ann.follow(servers_without_log.conversation_id) as stays:
        await stays.next("stream.open")
        root = await servers_without_log.ann.root(servers_without_log.conversation_id)
        await servers_without_log.ann.reply(root)
        async with servers_without_log.ann.follow(
            servers_without_log.conversation_id, "evt_1"
        ) as back:
            await back.next("stream.open")
            seen = [(await back.next())["id"] for _ in range(3)]

    assert seen == ["evt_2", "evt_3", "evt_4"]


async def test_what_is_gone_is_told(servers_without_log: TwoServers) -> None:
    """A client that was away while nobody read has to load anew."""
    await servers_without_log.ann.root(servers_without_log.conversation_id)
    async with servers_without_log.ann.follow(servers_without_log.conversation_id, "evt_1") as back:
        await back.next("stream.open")
        reset = await back.next()

    assert reset["payload"] == {"reason": "trimmed", "last_event_id": "evt_2"}


async def test_what_is_too_large_is_told(servers_without_log: TwoServers) -> None:
    """An event that fits into no message between processes is loaded instead."""
    async with servers_without_log.ann_at_second.follow(
        servers_without_log.conversation_id
    ) as there:
        await there.next("stream.open")
        await servers_without_log.ann.root(servers_without_log.conversation_id, "x" * 9_000)
        reading = asyncio.create_task(there.next())

        def is_told() -> bool:
            servers_without_log.first.clock.advance(1)
            return reading.done()

        await until(is_told)

    assert reading.result()["payload"] == {"reason": "trimmed", "last_event_id": "evt_2"}


async def test_the_ring_is_the_limit(servers_without_log: TwoServers) -> None:
    """Beyond what a process keeps, a reader is reset, however many events it may lag."""
    async with servers_without_log.ann.follow(servers_without_log.conversation_id) as stays:
        await stays.next("stream.open")
        root = await servers_without_log.ann.root(servers_without_log.conversation_id)
        for _ in range(RING_EVENTS // 2):
            await servers_without_log.ann.reply(root)
        async with servers_without_log.ann.follow(
            servers_without_log.conversation_id, "evt_1"
        ) as back:
            await back.next("stream.open")
            reset = await back.next()

    assert reset["payload"]["reason"] == "trimmed"
