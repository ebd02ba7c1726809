"""Several processes on one database behave as one."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.clients.cli_user import CliUser
from tests.support.clients.load_generator import metric
from tests.support.database import databases
from tests.support.database.databases import connected
from tests.support.password import PASSWORD
from tests.support.servers.in_process_server import HttpUser, RunningServer, SseStream
from tests.support.servers.server_process import ServerProcess, server_process

pytestmark = pytest.mark.slow

_ENVIRON = {"RUSTYGPT__LLM__DEFAULT_MODEL": "demo", "RUSTYGPT_PROFILE": "test"}
_END_LISTENING = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'rustygpt listen'
"""


@pytest.fixture
async def database(cluster_url: str) -> AsyncIterator[str]:
    """A new database that several servers share."""
    url = await databases.create(cluster_url)
    yield url
    await databases.drop(cluster_url, url)


@dataclass
class Pair:
    """Two servers on one database; Ann is signed in at both."""

    one: RunningServer
    two: RunningServer
    ann: HttpUser
    there: HttpUser
    conversation_id: str


@pytest.fixture
async def pair(tmp_path: Path, database: str) -> AsyncIterator[Pair]:
    """Both servers, with a conversation in which the assistant answers mentions."""
    async with AsyncExitStack() as stack:
        sites = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            running = server_process(tmp_path / name, database, **_ENVIRON)
            site = RunningServer((await stack.enter_async_context(running)).url)
            stack.push_async_callback(site.close)
            sites.append(site)
        one, two = sites
        ann = await one.person("ann")
        there = await two.sign_in("ann")
        yield Pair(one, two, ann, there, await ann.conversation(is_group=True))


async def _until(
    stream: SseStream, done: Callable[[dict[str, Any]], bool], seconds: float = 60
) -> list[dict[str, Any]]:
    """Return all events up to the one that is waited for."""
    events = [await stream.next(seconds=seconds)]
    while not done(events[-1]):
        events.append(await stream.next(seconds=seconds))
    return events


def _numbers(events: list[dict[str, Any]]) -> list[int]:
    return [int(e["id"].removeprefix("evt_")) for e in events if "id" in e]


async def _post_in_parallel(pair: Pair, root: str, count: int) -> None:
    """Post at both servers at the same time."""
    people = (pair.ann, pair.there)
    await asyncio.gather(*(people[n % 2].reply(root, f"{n}") for n in range(count)))


async def test_parallel_posts_reach_every_stream_once_and_in_order(pair: Pair) -> None:
    """Whichever server gets a post; also while the connections between the servers are cut."""
    root = await pair.ann.root(pair.conversation_id)
    async with (
        pair.ann.follow(pair.conversation_id) as here,
        pair.there.follow(pair.conversation_id) as there,
    ):
        for stream in (here, there):
            await stream.next("stream.open")
        await _post_in_parallel(pair, root, 60)
        last = await pair.ann.reply(root, "last")
        seen = [await _until(s, lambda e: _message(e) == last) for s in (here, there)]

    for events in seen:
        assert _numbers(events) == list(range(3, 3 + 2 * 60 + 1))


async def test_cut_connections_lose_nothing(pair: Pair, database: str) -> None:
    """Listening resumes, and missed events are read from the log."""
    root = await pair.ann.root(pair.conversation_id)
    async with pair.there.follow(pair.conversation_id) as there, connected(database) as owner:
        await there.next("stream.open")
        for _ in range(4):
            await owner.fetch(_END_LISTENING)
            await _post_in_parallel(pair, root, 10)
        last = await pair.ann.reply(root, "last")
        events = await _until(there, lambda e: _message(e) == last)

    numbers = _numbers(events)
    assert all(after == before + 1 for before, after in pairwise(numbers))
    assert numbers[0] == 3


async def test_an_answer_streams_at_both_servers_and_is_cancelled_at_the_other(pair: Pair) -> None:
    """Its deltas arrive where it is not generated, and cancelling works from there."""
    await pair.ann.call(
        "PATCH", f"/api/conversations/{pair.conversation_id}", {"assistant_mode": "always"}
    )
    async with pair.there.follow(pair.conversation_id) as there:
        await there.next("stream.open")
        await pair.ann.root(pair.conversation_id, "please write")
        text, deltas = "", 0
        while deltas < 5:
            payload = (await there.next("message.delta"))["payload"]
            assert payload["offset"] == len(text)
            text += payload["choices"][0]["delta"]["content"]
            deltas += 1
        path = f"/api/messages/{payload['message_id']}"
        await pair.there.post(f"{path}/cancel", None, expect=202)
        done = await there.next("message.done", seconds=60)
    shown = await pair.there.get(path)

    assert done["payload"]["finish_reason"] == "cancelled"
    assert shown["content"].startswith(text)


async def test_a_removal_ends_streams_at_the_other_server(pair: Pair) -> None:
    """The stream ends within two seconds; so does that of a user who is disabled."""
    bob = await pair.one.person("bob")
    away = await pair.two.sign_in("bob")
    people = f"/api/conversations/{pair.conversation_id}/participants"
    await pair.ann.post(people, {"user_id": str(bob.id), "role": "member"}, expect=204)
    async with (
        away.follow(pair.conversation_id) as his,
        pair.there.follow(pair.conversation_id) as hers,
    ):
        for stream in (his, hers):
            await stream.next("stream.open")
        await pair.ann.call("DELETE", f"{people}/{bob.id}", expect=204)
        removed = await his.next("stream.closed", seconds=60)
        admin = pair.one.people["admin"]
        disabled = {"disabled": True}
        await admin.call("PATCH", f"/api/admin/users/{pair.ann.id}", disabled)
        ended = await hers.next("stream.closed", seconds=60)

    assert removed["payload"] == {"reason": "removed"}
    assert ended["payload"] == {"reason": "disabled"}


def _message(event: dict[str, Any]) -> str | None:
    shown = event["payload"].get("message") if event["type"] == "message.new" else None
    return shown["id"] if shown else None


@pytest.fixture
async def worker_supervisor(tmp_path: Path, database: str) -> AsyncIterator[ServerProcess]:
    """One server of three workers."""
    more = {**_ENVIRON, "RUSTYGPT__SERVER__WORKERS": "3"}
    async with server_process(tmp_path, database, **more) as running:
        yield running


async def _writer(owner: Any) -> int:
    """Return the process that generates the one answer in progress."""
    async with asyncio.timeout(60):
        while (
            runner := await owner.fetchval("SELECT instance_id FROM rustygpt.generations")
        ) is None:
            await asyncio.sleep(0.05)
    return int(runner.split(":")[1])


async def test_a_killed_worker_is_replaced(
    worker_supervisor: ServerProcess, tmp_path: Path, database: str
) -> None:
    """Clients continue, nothing is lost, and another worker ends the answer it was generating."""
    (tmp_path / "ann").mkdir()
    ann = CliUser(tmp_path / "ann", worker_supervisor.url)
    setup = ("setup", "--username", "ann", "--email", "ann@example.org", "--password-stdin")
    await ann.run(*setup, stdin=PASSWORD)
    await ann.run("login", "--email", "ann", "--password-stdin", stdin=PASSWORD)
    await ann.run("conversations", "create", "Harbour", "--group")
    async with AsyncExitStack() as stack:
        owner = await stack.enter_async_context(connected(database))
        followers = [await stack.enter_async_context(ann.follow("Harbour")) for _ in range(3)]
        for follower in followers:
            await follower.until("stream.open")
        await ann.run("post", "Harbour", "@assistant please write")
        os.kill(await _writer(owner), signal.SIGKILL)
        await ann.run("post", "Harbour", "and on we go")
        for follower in followers:
            await follower.until("message.new", "and on we go")
            done = await follower.until("message.done", seconds=60)
            assert done["payload"]["finish_reason"] == "error"

    for follower in followers:
        numbers = _numbers(follower.events)
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


async def test_metrics_are_the_sum_of_all_workers(worker_supervisor: ServerProcess) -> None:
    """Each worker reports the sum of all, and a dead one's gauges are not in it."""
    site = RunningServer(worker_supervisor.url)
    ann = await site.person("ann")
    conversation_id = await ann.conversation()
    async with (
        httpx.AsyncClient(base_url=worker_supervisor.url) as client,
        AsyncExitStack() as stack,
    ):
        following = []
        for _ in range(9):
            async with httpx.AsyncClient(base_url=worker_supervisor.url) as fresh:
                await fresh.get("/healthz")
            following.append(await stack.enter_async_context(ann.follow(conversation_id)))
            await following[-1].next("stream.open")
        answered = await metric(client, 'health_checks_total{endpoint="healthz",status="ok"}')
        streams = await metric(client, "rustygpt_sse_connections")
        scripts = await metric(client, "db_bootstrap_scripts_total")
        pools = await metric(client, "db_pool_max_connections")
    await site.close()

    assert (answered, streams, pools) == (9, 9, 30)
    assert scripts > 50


async def test_workers_stop_in_order(worker_supervisor: ServerProcess) -> None:
    """Streams are closed with a reconnect time, and all processes end within ten seconds."""
    site = RunningServer(worker_supervisor.url)
    ann = await site.person("ann")
    conversation_id = await ann.conversation()
    started = asyncio.get_running_loop().time()
    async with ann.follow(conversation_id) as stream:
        await stream.next("stream.open")
        stopping = asyncio.create_task(worker_supervisor.stop())
        closed = await stream.next("stream.closed")
    code = await stopping
    await site.close()

    assert closed["payload"] == {"reason": "shutdown"}
    assert code == 0
    assert asyncio.get_running_loop().time() - started < 60


async def test_workers_do_not_outlive_their_parent(worker_supervisor: ServerProcess) -> None:
    """When the parent is killed, the workers end and the port is free again."""
    await worker_supervisor.kill()
    async with httpx.AsyncClient(base_url=worker_supervisor.url) as client, asyncio.timeout(60):
        while True:
            try:
                await client.get("/healthz", timeout=1)
            except httpx.ConnectError:
                break
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.1)
    await worker_supervisor.start()
