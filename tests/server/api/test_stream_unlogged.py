"""Streams without a log of events: numbers go on, and what is gone is told."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.support.api import Serve
from tests.support.two import Two, two_servers
from tests.support.waiting import until

from rustygpt_server.realtime.ring import RING_EVENTS
from rustygpt_shared.settings import Db, Llm, Persistence, Settings, Sse

SETTINGS = Settings(
    llm=Llm(default_model="demo"),
    db=Db(max_connections=4),
    sse=Sse(persistence=Persistence(enabled=False), max_backfill_events=10_000),
)


@pytest.fixture
async def unlogged(serve: Serve) -> AsyncIterator[Two]:
    """Both servers, with one clock."""
    async with two_servers(serve, {}, settings=SETTINGS) as two:
        yield two


async def test_events_cross_inside_the_backplane(unlogged: Two, owner: Any) -> None:
    """Numbered and in order as ever, though the log has none of them."""
    async with unlogged.there.follow(unlogged.room) as there:
        await there.next("stream.open")
        root = await unlogged.ann.root(unlogged.room)
        await unlogged.ann.reply(root)
        seen = [(await there.next())["id"] for _ in range(4)]

    assert seen == ["evt_1", "evt_2", "evt_3", "evt_4"]
    assert await owner.fetchval("SELECT count(*) FROM rustygpt.events") == 0


async def test_recent_events_are_resumed_from(unlogged: Two) -> None:
    """A short break costs nothing while somebody else reads along."""
    async with unlogged.ann.follow(unlogged.room) as stays:
        await stays.next("stream.open")
        root = await unlogged.ann.root(unlogged.room)
        await unlogged.ann.reply(root)
        async with unlogged.ann.follow(unlogged.room, "evt_1") as back:
            await back.next("stream.open")
            seen = [(await back.next())["id"] for _ in range(3)]

    assert seen == ["evt_2", "evt_3", "evt_4"]


async def test_what_is_gone_is_told(unlogged: Two) -> None:
    """A client that was away while nobody read has to load anew."""
    await unlogged.ann.root(unlogged.room)
    async with unlogged.ann.follow(unlogged.room, "evt_1") as back:
        await back.next("stream.open")
        reset = await back.next()

    assert reset["payload"] == {"reason": "trimmed", "last_event_id": "evt_2"}


async def test_what_is_too_large_is_told(unlogged: Two) -> None:
    """An event that fits into no message between processes is loaded instead."""
    async with unlogged.there.follow(unlogged.room) as there:
        await there.next("stream.open")
        await unlogged.ann.root(unlogged.room, "x" * 9_000)
        reading = asyncio.create_task(there.next())

        def is_told() -> bool:
            unlogged.one.clock.move(1)
            return reading.done()

        await until(is_told)

    assert reading.result()["payload"] == {"reason": "trimmed", "last_event_id": "evt_2"}


async def test_the_ring_is_the_limit(unlogged: Two) -> None:
    """Beyond what a process keeps, a reader is reset, however many events it may lag."""
    async with unlogged.ann.follow(unlogged.room) as stays:
        await stays.next("stream.open")
        root = await unlogged.ann.root(unlogged.room)
        for _ in range(RING_EVENTS // 2):
            await unlogged.ann.reply(root)
        async with unlogged.ann.follow(unlogged.room, "evt_1") as back:
            await back.next("stream.open")
            reset = await back.next()

    assert reset["payload"]["reason"] == "trimmed"
