"""Clients vanish, pour in, come back all at once; proxies between cut what is quiet."""

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

from rustygpt_server.clock import TimeLimits
from rustygpt_shared.events import MessageNew
from rustygpt_tui.client.feed import Disconnected, Live, follow
from rustygpt_tui.client.http import connect

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

CLIENTS = 400


async def test_clients_that_come_back_all_at_once_are_served(
    servers: Servers, fresh_url: str
) -> None:
    """Each with what it missed, once and in order, though no server remembers any of it."""
    async with servers(fresh_url, 2) as fleet:
        one, two = (RunningServer(url) for url in fleet.urls)
        ann = await one.person("ann")
        there = await two.sign_in("ann")
        room = await ann.conversation()
        root = await ann.root(room)
        async with streams(ann, room, CLIENTS):
            await fleet.servers[0].kill()
        for number in range(20):
            await there.reply(root, f"{number}")
        await fleet.servers[0].start()
        started = time.monotonic()
        back = await asyncio.gather(*(open_stream(ann, room, "evt_2") for _ in range(CLIENTS)))
        for stream in back:
            await stream.until("message.new", 20)
        seconds = time.monotonic() - started
        for stream in back:
            await stream.close()
        for site in (one, two):
            await site.close()

    assert all(stream.numbers()[:38] == list(range(3, 41)) for stream in back)
    assert seconds < 5


def _vanish(stream: RawStream) -> None:
    """Let nothing that the server sends arrive any more: no acknowledgement, no end, no reset."""
    sock = stream.writer.get_extra_info("socket")
    drop_all = create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # BPF: return 0
    program = struct.pack("HxxxxxxP", 1, addressof(drop_all))
    sock.setsockopt(socket.SOL_SOCKET, 26, program)  # SO_ATTACH_FILTER


async def test_a_client_that_vanished_is_let_go(
    start_server: StartServer,
) -> None:
    """What it was sent is not acknowledged for too long: its stream is over, the others stay."""
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


async def test_the_terminals_feed_gets_over_silence(servers: Servers, fresh_url: str) -> None:
    """A way that carries nothing more is given up, and the next one brings what was missed."""
    async with servers(fresh_url) as fleet, proxy(fleet.urls[0].removeprefix("http://")) as way:
        site = RunningServer(fleet.urls[0])
        ann = await site.person("ann")
        room = await ann.conversation()
        root = await ann.root(room)
        async with connect(f"http://127.0.0.1:{way.port}") as client:
            await client.log_in("ann", PASSWORD)
            told = []
            following = follow(client, UUID(room), silence_seconds=2.5)
            async with aclosing(following), asyncio.timeout(60):
                async for item in following:
                    if isinstance(item, Live) and not told:
                        await ann.reply(root, "before")
                    elif isinstance(item, Disconnected):
                        way.recover()
                    elif isinstance(item, MessageNew):
                        told.append(item.payload.message.content)
                        if told == ["before"]:
                            way.silence()
                            await ann.reply(root, "meanwhile")
                        elif told[-1] == "meanwhile":
                            break
        await site.close()

    assert told == ["before", "meanwhile"]


async def _babble(port: int, request: bytes) -> None:
    """Open a stream, send as much as goes without reading an answer, and hang up."""
    loop = asyncio.get_running_loop()
    with socket.socket() as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, ("127.0.0.1", port))
        await loop.sock_sendall(sock, request)
        told = b""
        while b"stream.open" not in told:
            told += await loop.sock_recv(sock, 4_096)
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                while True:
                    await loop.sock_sendall(sock, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 99)
        sock.shutdown(socket.SHUT_WR)


async def test_junk_on_a_stream_hides_no_end(servers: Servers, fresh_url: str) -> None:
    """A client that pipelines more than is read, and leaves, is noticed by the next heartbeats."""
    async with servers(fresh_url) as fleet:
        site = RunningServer(fleet.urls[0])
        ann = await site.person("ann")
        room = await ann.conversation()
        async with streams(ann, room, 1) as (quiet,):
            for _ in range(5):
                await _babble(fleet.servers[0].port, stream_request(ann, room))
            await until_metric(ann.client, "rustygpt_sse_connections", 1)
            await ann.root(room)
            await quiet.until("message.new")
        await site.close()


def _leave_room_for(pid: int, files: int) -> None:
    """Let a process open only so many files more."""
    used = max(int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir())
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + files, used + files))


async def test_a_server_without_room_for_connections_keeps_those_it_has(
    servers: Servers, fresh_url: str
) -> None:
    """Open streams go on and are told of posts; with room again new clients are served."""
    async with servers(fresh_url) as fleet:
        site = RunningServer(fleet.urls[0])
        ann = await site.person("ann")
        room = await ann.conversation()
        async with streams(ann, room, 5) as opened:
            _leave_room_for(fleet.servers[0].pid, 20)
            address = ("127.0.0.1", fleet.servers[0].port)
            crowd = [await asyncio.open_connection(*address) for _ in range(60)]
            await asyncio.sleep(1)
            await ann.root(room)
            for stream in opened:
                await stream.until("message.new", seconds=5)
                assert not stream.ended.is_set()
            for _, writer in crowd:
                writer.transport.abort()
            async with httpx.AsyncClient(base_url=fleet.urls[0], timeout=5) as fresh:
                assert (await fresh.get("/healthz")).status_code == 200
        await site.close()


async def test_a_proxy_that_cuts_what_is_quiet_cuts_no_stream(
    servers: Servers, fresh_url: str
) -> None:
    """Heartbeats come often enough, and nobody is offered a compressed stream."""
    async with servers(fresh_url) as fleet:
        site = RunningServer(fleet.urls[0])
        ann = await site.person("ann")
        room = await ann.conversation()
        async with proxy(fleet.urls[0].removeprefix("http://"), idle_seconds=3) as way:
            behind = same_session_at(f"http://127.0.0.1:{way.port}", ann)
            async with behind.client, behind.follow(room) as stream:
                await asyncio.sleep(7)
                posted = await ann.root(room)
                told = await stream.next("message.new")
        await site.close()

    assert told["payload"]["message"]["id"] == posted
    assert "content-encoding" not in stream.response.headers
    assert stream.response.headers["x-accel-buffering"] == "no"
