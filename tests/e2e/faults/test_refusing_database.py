"""PostgreSQL responds but cannot do the work: locked, full, read-only, altered."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.e2e.faults.conftest import Servers
from tests.support.clients.load_generator import last_number, post_load, texts
from tests.support.database import databases
from tests.support.database.databases import connected
from tests.support.servers.in_process_server import InProcessServer, RunningServer, StartServer
from tests.support.streams.raw_streams import streams

from rustygpt_shared.settings import Db, Llm, Settings

pytestmark = pytest.mark.slow

_DISK_FULL = """
CREATE FUNCTION pg_temp.none() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER none BEFORE INSERT ON rustygpt.events EXECUTE FUNCTION pg_temp.none();
"""


@asynccontextmanager
async def _locked(url: str, *conversation_ids: str) -> AsyncIterator[None]:
    """Hold the row locks of conversations while the block runs."""
    async with connected(url) as holder, holder.transaction():
        query = "SELECT 1 FROM rustygpt.conversations WHERE id = ANY ($1) FOR UPDATE"
        await holder.fetch(query, list(conversation_ids))
        yield


async def _timed(doing: Awaitable[Any]) -> tuple[Any, float]:
    started = time.monotonic()
    return await doing, time.monotonic() - started


async def test_a_locked_conversation_is_503_and_the_others_continue(
    server: InProcessServer, database_url: str
) -> None:
    """After two seconds, with a retry time; reading continues there too, and nothing is stored."""
    ann = await server.person("ann")
    stuck, free = await ann.conversation(), await ann.conversation()
    await ann.root(stuck)
    async with ann.follow(stuck) as stream:
        async with _locked(database_url, stuck):
            waiting = asyncio.create_task(_timed(ann.try_root(stuck, "never")))
            await asyncio.sleep(0.2)
            _, quick = await _timed(ann.root(free))
            shown = await ann.get(f"/api/conversations/{stuck}/threads")
            refused, seconds = await waiting
        await ann.root(stuck, "after")
        await stream.next("stream.open")
        received = await stream.next("message.new")

    assert (refused.status_code, len(shown["threads"])) == (503, 1)
    assert "busy" in refused.json()["detail"]
    assert refused.headers["retry-after"]
    assert quick < seconds
    assert received["payload"]["message"]["content"] == "after"
    assert received["id"] == "evt_4"


async def test_an_exhausted_pool_is_503_and_streams_continue(
    start_server: StartServer, database_url: str
) -> None:
    """A request that gets no connection in time gets 503; open streams need no connection."""
    settings = Settings(llm=Llm(default_model="demo"), db=Db(max_connections=2))
    async with start_server(settings=settings) as api:
        ann = await api.person("ann")
        conversation_ids = [await ann.conversation() for _ in range(12)]
        conversation_id = conversation_ids[0]
        async with ann.follow(conversation_id) as stream, _locked(database_url, *conversation_ids):
            await stream.next("stream.open")
            posts = [asyncio.create_task(_timed(ann.try_root(one))) for one in conversation_ids]
            await asyncio.sleep(0.2)
            alive, quick = await _timed(ann.client.get("/healthz"))
            ready = await ann.client.get("/readyz")
            beating = asyncio.create_task(anext(line async for line in stream.lines if line == ":"))
            while not beating.done():
                api.clock.advance(1)
                await asyncio.sleep(0.01)
            answers = await asyncio.gather(*posts)
        after = await ann.try_root(conversation_id)

    assert {answer.status_code for answer, _ in answers} == {503}
    assert max(seconds for _, seconds in answers) < 60
    assert (alive.status_code, ready.status_code, after.status_code) == (200, 503, 201)
    assert quick < max(seconds for _, seconds in answers)


async def test_a_full_disk_is_503(server: InProcessServer, database_url: str) -> None:
    """Nothing of the post is stored, reading continues, and with free space posts succeed again."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    await ann.root(conversation_id)
    async with ann.follow(conversation_id) as stream:
        async with connected(database_url) as operator:
            await operator.execute(_DISK_FULL)
            refused = await ann.try_root(conversation_id)
            shown = await ann.get(f"/api/conversations/{conversation_id}/threads")
            await operator.execute("DROP TRIGGER none ON rustygpt.events")
        await ann.root(conversation_id, "after")
        received = await stream.next("message.new")

    assert (refused.status_code, len(shown["threads"])) == (503, 1)
    assert refused.json()["detail"].startswith("The disk of the database is full")
    assert refused.headers["retry-after"]
    assert received["id"] == "evt_4"


async def _alter(url: str) -> None:
    """Change columns and procedures of a running database, as a release does, all at once."""
    async with connected(url) as operator:
        await operator.execute("SET lock_timeout = '1s'")
        for number in range(5):
            for table in ("messages", "events", "conversations", "participants", "sessions"):
                await operator.execute(f"ALTER TABLE rustygpt.{table} ADD COLUMN new{number} text")
                await operator.execute(f"ALTER TABLE rustygpt.{table} DROP COLUMN new{number}")
            await operator.execute(
                "UPDATE rustygpt.applied_scripts SET sha256 = 'other' "
                "WHERE script LIKE 'procedures/%'"
            )
            await databases.prepare(url)


async def test_altering_the_database_fails_no_request(servers: Servers, fresh_url: str) -> None:
    """Columns are added and dropped and all procedures replaced while users write and read."""
    async with servers(fresh_url) as cluster:
        running = RunningServer(cluster.urls[0])
        ann = await running.person("ann")
        conversation_id = await ann.conversation()
        root = await ann.root(conversation_id)
        async with streams(ann, conversation_id, 3) as opened:
            async with post_load(ann, root=root) as writer:
                await writer.wait_for_more(10)
                await _alter(fresh_url)
                await writer.wait_for_more(10)
            kept, last = await texts(ann, root), await last_number(ann, conversation_id)
            for stream in opened:
                await stream.wait_for_number(last)
                assert stream.numbers()[0] == 3
        await running.close()

    assert writer.acknowledged <= set(kept)
    assert {answer.status_code for answer in writer.refused} <= {503}
