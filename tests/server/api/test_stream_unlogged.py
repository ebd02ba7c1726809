"""Streams without an event log: numbers continue, and lost events lead to a reset."""

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
    """Two servers without an event log, with one clock."""
    async with two_servers(start_server, {}, settings=SETTINGS) as servers:
        yield servers


async def test_events_reach_other_servers_inside_backplane_messages(
    servers_without_log: TwoServers, superuser: Any
) -> None:
    """The events are numbered and in order, although the log has none of them."""
    async with servers_without_log.ann_at_second.follow(
        servers_without_log.conversation_id
    ) as stream:
        await stream.next("stream.open")
        root = await servers_without_log.ann.root(servers_without_log.conversation_id)
        await servers_without_log.ann.reply(root)
        event_ids = [(await stream.next())["id"] for _ in range(4)]

    assert event_ids == ["evt_1", "evt_2", "evt_3", "evt_4"]
    assert await superuser.fetchval("SELECT count(*) FROM rustygpt.events") == 0


async def test_a_stream_resumes_from_recent_events(servers_without_log: TwoServers) -> None:
    """The ring keeps recent events while another subscriber follows the conversation."""
    async with servers_without_log.ann.follow(servers_without_log.conversation_id) as first_stream:
        await first_stream.next("stream.open")
        root = await servers_without_log.ann.root(servers_without_log.conversation_id)
        await servers_without_log.ann.reply(root)
        async with servers_without_log.ann.follow(
            servers_without_log.conversation_id, "evt_1"
        ) as resumed:
            await resumed.next("stream.open")
            event_ids = [(await resumed.next())["id"] for _ in range(3)]

    assert event_ids == ["evt_2", "evt_3", "evt_4"]


async def test_a_resume_beyond_the_ring_is_answered_by_a_reset(
    servers_without_log: TwoServers,
) -> None:
    """A client that was away while no subscriber kept the ring has to load a snapshot."""
    await servers_without_log.ann.root(servers_without_log.conversation_id)
    async with servers_without_log.ann.follow(
        servers_without_log.conversation_id, "evt_1"
    ) as resumed:
        await resumed.next("stream.open")
        reset = await resumed.next()

    assert reset["payload"] == {"reason": "trimmed", "last_event_id": "evt_2"}


async def test_an_event_too_large_for_the_backplane_is_answered_by_a_reset(
    servers_without_log: TwoServers,
) -> None:
    """An event that fits into no backplane message is loaded by the client instead."""
    async with servers_without_log.ann_at_second.follow(
        servers_without_log.conversation_id
    ) as stream:
        await stream.next("stream.open")
        await servers_without_log.ann.root(servers_without_log.conversation_id, "x" * 9_000)
        next_event = asyncio.create_task(stream.next())

        def has_event() -> bool:
            servers_without_log.first.clock.advance(1)
            return next_event.done()

        await until(has_event)

    assert next_event.result()["payload"] == {"reason": "trimmed", "last_event_id": "evt_2"}


async def test_events_dropped_from_the_ring_cause_a_reset(servers_without_log: TwoServers) -> None:
    """A client behind the ring is reset, even within `sse.max_backfill_events`."""
    async with servers_without_log.ann.follow(servers_without_log.conversation_id) as first_stream:
        await first_stream.next("stream.open")
        root = await servers_without_log.ann.root(servers_without_log.conversation_id)
        for _ in range(RING_EVENTS // 2):
            await servers_without_log.ann.reply(root)
        async with servers_without_log.ann.follow(
            servers_without_log.conversation_id, "evt_1"
        ) as resumed:
            await resumed.next("stream.open")
            reset = await resumed.next()

    assert reset["payload"]["reason"] == "trimmed"
