"""A server whose connections, clients or database break, or that is killed."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.clients.load_generator import last_number, metric, post_load, texts, until_metric
from tests.support.database import databases
from tests.support.servers.in_process_server import HttpUser, RunningServer
from tests.support.servers.server_process import ServerProcess, server_process
from tests.support.streams.raw_streams import open_stream, open_unread_stream, streams

pytestmark = pytest.mark.slow


@pytest.fixture
async def database_of_server(cluster_url: str) -> AsyncIterator[str]:
    """A database of the server's own."""
    url = await databases.create(cluster_url)
    yield url
    await databases.drop(cluster_url, url)


@pytest.fixture
async def real_server(tmp_path: Path, database_of_server: str) -> AsyncIterator[ServerProcess]:
    """A server that allows one user many streams."""
    more = {
        "RUSTYGPT__LLM__DEFAULT_MODEL": "demo",
        "RUSTYGPT_PROFILE": "test",
        "RUSTYGPT__SSE__MAX_STREAMS_PER_USER": "2000",
        "RUSTYGPT__LOGGING__FORMAT": "json",
    }
    async with server_process(tmp_path, database_of_server, **more) as running:
        yield running


@pytest.fixture
async def ann(real_server: ServerProcess) -> AsyncIterator[HttpUser]:
    """A user with an account on that server."""
    api = RunningServer(real_server.url)
    yield await api.person("ann")
    for person in api.people.values():
        await person.client.aclose()


def _memory(pid: int) -> int:
    """Return a process's resident memory in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1_024
    raise AssertionError("no such process")


async def test_a_server_with_many_streams_stops_within_ten_seconds(
    real_server: ServerProcess, ann: HttpUser
) -> None:
    """Each of 200 streams is closed with a reconnect time of its own."""
    conversation_id = await ann.conversation()
    async with streams(ann, conversation_id, 200) as opened:
        started = time.monotonic()
        code = await real_server.stop()
        seconds = time.monotonic() - started
        for stream in opened:
            await stream.ended.wait()

        assert code == 0
        assert seconds < 60
        assert all(s.events[-1]["payload"] == {"reason": "shutdown"} for s in opened)
        assert len({s.retries[-1] for s in opened}) > 50


async def test_a_server_stops_in_time_whatever_hangs(
    real_server: ServerProcess, ann: HttpUser
) -> None:
    """A client that never reads, a request that never ends and an answer in progress."""
    conversation_id = await ann.conversation(assistant_mode="always")
    unread_streams = open_unread_stream(ann, conversation_id)
    for _ in range(40):
        await ann.root(conversation_id, "x" * 60_000)
    half = await asyncio.open_connection("127.0.0.1", real_server.port)
    half[1].write(b"POST /api/setup HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
    started = time.monotonic()
    code = await real_server.stop()

    assert code == 0
    assert time.monotonic() - started < 60
    unread_streams.close()
    half[1].close()


async def test_a_post_reaches_five_hundred_streams(
    real_server: ServerProcess, ann: HttpUser
) -> None:
    """One post reaches every stream, once and in order; when all have ended nothing is left."""
    conversation_id = await ann.conversation()
    async with streams(ann, conversation_id, 500) as opened:
        await ann.root(conversation_id)
        for stream in opened:
            await stream.until("message.new")
        assert all(stream.numbers() == [1, 2] for stream in opened)
        assert await metric(ann.client, "rustygpt_sse_connections") == 500
    await until_metric(ann.client, "rustygpt_sse_connections", 0)


async def test_the_stream_of_a_reset_connection_ends(
    real_server: ServerProcess, ann: HttpUser
) -> None:
    """A reset connection is noticed at once, not at the next heartbeat."""
    conversation_id = await ann.conversation()
    async with streams(ann, conversation_id, 20) as opened:
        for stream in opened[:10]:
            stream.abort()
        await until_metric(ann.client, "rustygpt_sse_connections", 10)
        await ann.root(conversation_id)
        await opened[-1].until("message.new")


async def test_a_client_that_never_reads_does_not_affect_others(
    real_server: ServerProcess, ann: HttpUser
) -> None:
    """Other streams get events at once, and memory is bounded."""
    conversation_id = await ann.conversation()
    unread_streams = [open_unread_stream(ann, conversation_id) for _ in range(5)]
    await until_metric(ann.client, "rustygpt_sse_connections", 5)
    root = await ann.root(conversation_id)
    before = _memory(real_server.pid)
    async with streams(ann, conversation_id, 1) as (quick,):
        for _ in range(600):
            await ann.reply(root, "x" * 60_000)
        await quick.until("message.new", 600)
        numbers = quick.numbers()

    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert _memory(real_server.pid) - before < 96 << 20
    assert await metric(ann.client, 'rustygpt_sse_dropped_total{kind="durable"}') > 0
    for unread_stream in unread_streams:
        unread_stream.close()
    await until_metric(ann.client, "rustygpt_sse_connections", 0)


async def test_one_key_creates_one_message(real_server: ServerProcess, ann: HttpUser) -> None:
    """Twenty requests with the same key and body at once get the same response."""
    conversation_id = await ann.conversation()
    path, body = f"/api/threads/{conversation_id}/root", {"content": "once"}
    asked = (ann.call("POST", path, body, expect=201, Idempotency_Key="k") for _ in range(20))
    answers = await asyncio.gather(*asked)
    threads = (await ann.get(f"/api/conversations/{conversation_id}/threads"))["threads"]

    assert len({answer.json()["message_id"] for answer in answers}) == 1
    assert sum("idempotent-replay" not in answer.headers for answer in answers) == 1
    assert len(threads) == 1


async def _cut_connections(url: str) -> None:
    async with databases.connected(url) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


async def test_lost_database_connections_lose_nothing(
    real_server: ServerProcess, ann: HttpUser, database_of_server: str
) -> None:
    """Streams stay open without a gap, posts succeed or get 503, and nothing is stored twice."""
    conversation_id = await ann.conversation()
    root = await ann.root(conversation_id)
    async with streams(ann, conversation_id, 5) as opened:
        async with post_load(ann, root=root) as writer:
            for _ in range(5):
                await _cut_connections(database_of_server)
                await writer.wait_for_more(10)
        kept = await texts(ann, root)
        last = await last_number(ann, conversation_id)
        for stream in opened:
            async with asyncio.timeout(60):
                while not stream.numbers() or stream.numbers()[-1] < last:
                    await asyncio.sleep(0.02)
            assert stream.numbers() == list(range(3, last + 1))
            assert not stream.ended.is_set()

    assert writer.acknowledged <= set(kept)
    assert len(kept) == len(set(kept))
    assert {answer.status_code for answer in writer.refused} <= {503}
    assert all(answer.headers["retry-after"] for answer in writer.refused)


async def test_a_stream_resumes_after_a_kill(real_server: ServerProcess, ann: HttpUser) -> None:
    """Killed under load and restarted.

    Acknowledged posts are there, and each event arrives once.
    """
    conversation_id = await ann.conversation()
    root = await ann.root(conversation_id)
    stream = await open_stream(ann, conversation_id)
    await stream.until("stream.open")
    kept = [await ann.reply(root, f"before {n}") for n in range(20)]
    await stream.until("message.new")
    await real_server.kill()
    await stream.ended.wait()
    await real_server.start()
    again = await open_stream(ann, conversation_id, f"evt_{stream.numbers()[-1]}")
    await ann.reply(root, "after")
    await again.until("message.new")
    numbers = stream.numbers() + again.numbers()

    assert numbers == list(range(3, 3 + len(numbers)))
    assert len(await texts(ann, root)) == len(kept) + 2
    await stream.close()
    await again.close()
