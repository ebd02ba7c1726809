"""Processes are killed, stopped twice, interrupted and suspended."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.e2e.faults.conftest import Servers
from tests.support.clients.load_generator import last_number, post_load, texts
from tests.support.database.databases import connected
from tests.support.servers.clusters import ProcessCluster
from tests.support.servers.in_process_server import HttpUser, RunningServer
from tests.support.streams.raw_streams import RawStream, open_stream, streams

pytestmark = pytest.mark.slow

_WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name = 'rustygpt'
"""


@asynccontextmanager
async def _users_of(cluster: ProcessCluster) -> AsyncIterator[list[RunningServer]]:
    """The servers' people; their connections are closed in the end."""
    sites = [RunningServer(url) for url in cluster.urls]
    try:
        yield sites
    finally:
        for running in sites:
            await running.close()


async def _post(person: HttpUser, root: str, key: str) -> httpx.Response:
    headers = {"X-CSRF-TOKEN": person.csrf, "Idempotency-Key": key}
    path = f"/api/messages/{root}/reply"
    return await person.client.post(path, json={"content": key}, headers=headers)


async def test_a_commit_that_was_not_broadcast_is_found(servers: Servers, fresh_url: str) -> None:
    """Killed between commit and broadcast: the other server finds the event.

    The client retries elsewhere with the same key, and gets the response to its first attempt.
    """
    async with servers(fresh_url, 2) as cluster, _users_of(cluster) as (one, two):
        ann = await one.person("ann")
        there = await two.sign_in("ann")
        conversation_id = await ann.conversation()
        root = await ann.root(conversation_id)
        async with streams(there, conversation_id, 1) as (stream,), connected(fresh_url) as holder:
            async with holder.transaction():
                await holder.fetch("SELECT 1 FROM rustygpt.conversations FOR UPDATE")
                posting = asyncio.create_task(_post(ann, root, "k"))
                async with asyncio.timeout(60):
                    while not await holder.fetchval(_WAITING):
                        await asyncio.sleep(0.01)
                os.kill(cluster.servers[0].pid, signal.SIGSTOP)
            await _committed(holder, 4)
            await cluster.servers[0].kill()
            with pytest.raises(httpx.TransportError):
                await posting
            await stream.wait_for_number(4, 6.5)
            again = await _post(there, root, "k")
            kept = await texts(there, root)

    assert (again.status_code, kept) == (201, ["root", "k"])
    assert again.headers["idempotent-replay"] == "true"


async def _committed(owner: Any, number: int) -> None:
    async with asyncio.timeout(60):
        while await owner.fetchval("SELECT max(number) FROM rustygpt.events") != number:
            await asyncio.sleep(0.01)


async def test_a_key_is_valid_at_every_server_at_once(servers: Servers, fresh_url: str) -> None:
    """Twenty posts with one key, at two servers at the same time, create one message."""
    async with servers(fresh_url, 2) as cluster, _users_of(cluster) as (one, two):
        ann = await one.person("ann")
        there = await two.sign_in("ann")
        root = await ann.root(await ann.conversation())
        posts = [_post(person, root, "k") for person in (ann, there) for _ in range(10)]
        answers = await asyncio.gather(*posts)
        kept = await texts(ann, root)

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["message_id"] for answer in answers}) == 1
    assert sum("idempotent-replay" not in answer.headers for answer in answers) == 1
    assert kept == ["root", "k"]


async def test_streams_move_to_another_server_without_loss(
    servers: Servers, fresh_url: str
) -> None:
    """One server stops during posts at the other: its clients continue there without a gap."""
    async with servers(fresh_url, 2) as cluster, _users_of(cluster) as (one, two):
        ann = await one.person("ann")
        there = await two.sign_in("ann")
        conversation_id = await ann.conversation()
        root = await ann.root(conversation_id)
        async with streams(ann, conversation_id, 100) as before:
            async with post_load(there, root=root) as writer:
                await writer.wait_for_more(10)
                code = await cluster.servers[0].stop()
                moved = [await _go_on(stream, there, conversation_id) for stream in before]
                await writer.wait_for_more(10)
            last = await last_number(there, conversation_id)
            for old, new in zip(before, moved, strict=True):
                async with asyncio.timeout(60):
                    while not new.numbers() or new.numbers()[-1] < last:
                        await asyncio.sleep(0.02)
                assert old.numbers() + new.numbers() == list(range(3, last + 1))
                await new.close()

    assert code == 0


async def _go_on(stream: RawStream, person: HttpUser, conversation_id: str) -> RawStream:
    await stream.ended.wait()
    assert stream.events[-1]["payload"] == {"reason": "shutdown"}
    return await open_stream(person, conversation_id, f"evt_{stream.numbers()[-1]}")


async def _workers(parent: int) -> list[int]:
    received = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(pid) for pid in received.split()]


async def test_a_server_whose_workers_all_die_serves_again(
    servers: Servers, fresh_url: str
) -> None:
    """The parent restarts them; requests that arrive meanwhile wait and are served."""
    async with (
        servers(fresh_url, RUSTYGPT__SERVER__WORKERS="2") as cluster,
        _users_of(cluster) as (running,),
    ):
        ann = await running.person("ann")
        root = await ann.root(await ann.conversation())
        old = await _workers(cluster.servers[0].pid)
        for pid in old:
            os.kill(pid, signal.SIGKILL)
        started = time.monotonic()
        async with asyncio.timeout(60):
            while (answer := await _try(ann, root)) is None:
                pass
        seconds = time.monotonic() - started
        new = await _workers(cluster.servers[0].pid)

    assert answer.status_code == 201
    assert seconds < 60
    assert len(old) == 2
    assert not set(old) & set(new)


async def _try(person: HttpUser, root: str) -> httpx.Response | None:
    try:
        return await _post(person, root, "k")
    except httpx.TransportError:
        return None


async def _stop_twice(cluster: ProcessCluster) -> int:
    """Send SIGTERM, and once more during the shutdown."""
    pid = cluster.servers[0].pid
    os.kill(pid, signal.SIGTERM)
    await asyncio.sleep(0.05)
    return await cluster.servers[0].stop()


async def _interrupt(cluster: ProcessCluster) -> int:
    """Send SIGINT to the process group twice, as Ctrl-C at a terminal does."""
    group = cluster.servers[0].pid
    assert os.getpgid(group) == group
    os.killpg(group, signal.SIGINT)
    await asyncio.sleep(0.05)
    os.killpg(group, signal.SIGINT)
    return await cluster.servers[0].wait()


@pytest.mark.parametrize(("end", "workers"), [(_stop_twice, "1"), (_interrupt, "2")])
async def test_a_second_signal_to_stop_changes_nothing(
    servers: Servers, fresh_url: str, end: Any, workers: str
) -> None:
    """Streams are closed with a reason, posts in flight are stored at most once.

    The end is in time.
    """
    more = {"RUSTYGPT__SERVER__WORKERS": workers}
    async with servers(fresh_url, **more) as cluster, _users_of(cluster) as (running,):
        ann = await running.person("ann")
        conversation_id = await ann.conversation()
        root = await ann.root(conversation_id)
        async with streams(ann, conversation_id, 20) as opened:
            async with post_load(ann, root=root) as writer:
                await writer.wait_for_more(10)
                started = time.monotonic()
                code = await end(cluster)
                seconds = time.monotonic() - started
            for stream in opened:
                await asyncio.wait_for(stream.ended.wait(), 60)
                assert stream.events[-1]["payload"] == {"reason": "shutdown"}
        await cluster.servers[0].start()
        kept = await texts(ann, root)

    assert code == 0
    assert seconds < 60
    assert writer.acknowledged <= set(kept)
    assert len(kept) == len(set(kept))


async def test_a_suspended_server_continues(servers: Servers, fresh_url: str) -> None:
    """Suspended for five seconds: no stream ends, and what happened meanwhile arrives at once."""
    async with servers(fresh_url, 2) as cluster, _users_of(cluster) as (one, two):
        ann = await one.person("ann")
        there = await two.sign_in("ann")
        conversation_id = await ann.conversation()
        root = await ann.root(conversation_id)
        async with streams(there, conversation_id, 20) as opened:
            started = time.monotonic()
            os.kill(cluster.servers[1].pid, signal.SIGSTOP)
            for number in range(50):  # fewer events than may wait for a reader
                await ann.reply(root, f"{number}")
            await asyncio.sleep(max(0.0, started + 5 - time.monotonic()))
            os.kill(cluster.servers[1].pid, signal.SIGCONT)
            last = await last_number(ann, conversation_id)
            for stream in opened:
                await stream.wait_for_number(last, 60)
                assert not stream.ended.is_set()
            assert (await there.client.get("/readyz")).status_code == 200
