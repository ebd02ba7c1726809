"""Clients vanish, arrive in crowds, reconnect all at once; proxies cut silent connections."""

import asyncio
import resource
import socket
import struct
import time
from contextlib import aclosing, suppress
from ctypes import addressof, create_string_buffer
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from tests.e2e.faults.conftest import Servers
from tests.support.clients.load_generator import until_metric
from tests.support.password import PASSWORD
from tests.support.servers.clusters import same_session_at
from tests.support.servers.in_process_server import (
    RunningServer,
    StartServer,
)
from tests.support.servers.proxy import proxy
from tests.support.streams.raw_streams import RawStream, open_stream, stream_request, streams
from tests.support.wait import until

from rustygpt_server.clock import TimeLimits
from rustygpt_shared.events import MessageNew
from rustygpt_tui.client.feed import Disconnected, Live, follow
from rustygpt_tui.client.http import connect

pytestmark = pytest.mark.slow

CLIENTS = 400


async def test_clients_that_reconnect_all_at_once_are_served(
    servers: Servers, fresh_url: str
) -> None:
    """Each client gets what it missed, once and in order, from servers that remember none of it."""
    async with servers(fresh_url, 2) as cluster:
        one, two = (RunningServer(url) for url in cluster.urls)
        ann = await one.person("ann")
        there = await two.sign_in("ann")
        conversation_id = await ann.conversation()
        root = await ann.root(conversation_id)
        async with streams(ann, conversation_id, CLIENTS):
            await cluster.servers[0].kill()
        for number in range(20):
            await there.reply(root, f"{number}")
        await cluster.servers[0].start()
        started = time.monotonic()
        back = await asyncio.gather(
            *(open_stream(ann, conversation_id, "evt_2") for _ in range(CLIENTS))
        )
        for stream in back:
            await stream.until("message.new")
        seconds = time.monotonic() - started
        for stream in back:
            await stream.close()
        for running in (one, two):
            await running.close()

    assert all(stream.numbers()[:38] == list(range(3, 41)) for stream in back)
    assert seconds < 60


def _vanish(stream: RawStream) -> None:
    """Drop everything that the server sends: no acknowledgement, no end, no reset."""
    sock = stream.writer.get_extra_info("socket")
    drop_all = create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # BPF: return 0
    program = struct.pack("HxxxxxxP", 1, addressof(drop_all))
    sock.setsockopt(socket.SOL_SOCKET, 26, program)  # SO_ATTACH_FILTER


async def test_the_stream_of_a_vanished_client_ends(
    start_server: StartServer,
) -> None:
    """A stream whose data are not acknowledged in time ends; the others stay."""
    async with start_server(limits=TimeLimits(peer_timeout=1)) as server:
        ann = await server.person("ann")
        conversation_id = await ann.conversation()
        async with streams(ann, conversation_id, 3) as (gone, *others):
            _vanish(gone)
            await ann.root(conversation_id)
            await until_metric(ann.client, "rustygpt_sse_connections", 2)
            await asyncio.sleep(2)
            await until_metric(ann.client, "rustygpt_sse_connections", 2)
            assert not any(stream.ended.is_set() for stream in others)


async def test_the_terminals_feed_recovers_from_a_silent_connection(
    servers: Servers, fresh_url: str
) -> None:
    """A silent connection is given up, and the next one delivers what was missed."""
    async with servers(fresh_url) as cluster, proxy(cluster.urls[0].removeprefix("http://")) as way:
        running = RunningServer(cluster.urls[0])
        ann = await running.person("ann")
        conversation_id = await ann.conversation()
        root = await ann.root(conversation_id)
        async with connect(f"http://127.0.0.1:{way.port}") as client:
            await client.log_in("ann", PASSWORD)
            received = []
            following = follow(client, UUID(conversation_id), silence_seconds=2.5)
            async with aclosing(following), asyncio.timeout(60):
                async for item in following:
                    if isinstance(item, Live) and not received:
                        await ann.reply(root, "before")
                    elif isinstance(item, Disconnected):
                        way.recover()
                    elif isinstance(item, MessageNew):
                        received.append(item.payload.message.content)
                        if received == ["before"]:
                            way.silence()
                            await ann.reply(root, "meanwhile")
                        elif received[-1] == "meanwhile":
                            break
        await running.close()

    assert received == ["before", "meanwhile"]


async def _babble(port: int, request: bytes) -> None:
    """Open a stream, send as much as possible without reading, and hang up."""
    loop = asyncio.get_running_loop()
    with socket.socket() as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, ("127.0.0.1", port))
        await loop.sock_sendall(sock, request)
        received = b""
        while b"stream.open" not in received:
            received += await loop.sock_recv(sock, 4_096)
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                while True:
                    await loop.sock_sendall(sock, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 99)
        sock.shutdown(socket.SHUT_WR)


async def test_garbage_on_a_stream_does_not_hide_its_end(servers: Servers, fresh_url: str) -> None:
    """A client that pipelines garbage and leaves is noticed by the next heartbeats."""
    async with servers(fresh_url) as cluster:
        running = RunningServer(cluster.urls[0])
        ann = await running.person("ann")
        conversation_id = await ann.conversation()
        async with streams(ann, conversation_id, 1) as (quiet,):
            for _ in range(5):
                await _babble(cluster.servers[0].port, stream_request(ann, conversation_id))
            await until_metric(ann.client, "rustygpt_sse_connections", 1)
            await ann.root(conversation_id)
            await quiet.until("message.new")
        await running.close()


def _open_descriptors(pid: int) -> list[int]:
    return [int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir()]


def _limit_descriptors(pid: int, files: int) -> None:
    """Limit the number of files that a process may open in addition."""
    limit = max(_open_descriptors(pid)) + files
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, limit))


async def test_a_server_without_free_descriptors_keeps_its_connections(
    servers: Servers, fresh_url: str
) -> None:
    """Open streams continue and get posts.

    When descriptors are free again, new clients are served.
    """
    async with servers(fresh_url) as cluster:
        running = RunningServer(cluster.urls[0])
        ann = await running.person("ann")
        conversation_id = await ann.conversation()
        async with streams(ann, conversation_id, 5) as opened:
            pid = cluster.servers[0].pid
            before = len(_open_descriptors(pid))
            _limit_descriptors(pid, 20)
            address = ("127.0.0.1", cluster.servers[0].port)
            crowd = [await asyncio.open_connection(*address) for _ in range(60)]
            await asyncio.sleep(1)
            await ann.root(conversation_id)
            for stream in opened:
                await stream.until("message.new", seconds=60)
                assert not stream.ended.is_set()
            for _, writer in crowd:
                writer.transport.abort()
            # Until then the server closes each new connection at once.
            await until(lambda: len(_open_descriptors(pid)) < before + 10)
            async with httpx.AsyncClient(base_url=cluster.urls[0], timeout=5) as fresh:
                assert (await fresh.get("/healthz")).status_code == 200
        await running.close()


async def test_a_proxy_that_cuts_silent_connections_cuts_no_stream(
    servers: Servers, fresh_url: str
) -> None:
    """Heartbeats arrive often enough, and no stream is compressed."""
    async with servers(fresh_url) as cluster:
        running = RunningServer(cluster.urls[0])
        ann = await running.person("ann")
        conversation_id = await ann.conversation()
        async with proxy(cluster.urls[0].removeprefix("http://"), idle_seconds=3) as way:
            behind = same_session_at(f"http://127.0.0.1:{way.port}", ann)
            async with behind.client, behind.follow(conversation_id) as stream:
                await asyncio.sleep(7)
                posted = await ann.root(conversation_id)
                received = await stream.next("message.new")
        await running.close()

    assert received["payload"]["message"]["id"] == posted
    assert "content-encoding" not in stream.response.headers
    assert stream.response.headers["x-accel-buffering"] == "no"
