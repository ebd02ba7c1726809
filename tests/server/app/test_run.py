"""A server's life: listening, serving, and ending in good order."""

import asyncio
import socket
import threading
import time

import httpx
import pytest
from tests.support.clients.raw_http import raw_connection, request
from tests.support.servers.in_process_server import InProcessServer, StartServer
from tests.support.wait import until

from rustygpt_server.app.run import bind_socket, socket_url, url_for
from rustygpt_server.errors import StartupError


def test_an_address_that_is_taken_is_told() -> None:
    """In one sentence that says what to do."""
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(StartupError, match="choose another with --port"),
    ):
        bind_socket("127.0.0.1", taken.getsockname()[1])


def test_an_address_of_another_machine_is_told() -> None:
    """The same sentence."""
    with pytest.raises(StartupError, match="Cannot listen on"):
        bind_socket("203.0.113.1", 0)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("::1", "http://[::1]:80"),
    ],
)
def test_the_address_is_one_to_open(host: str, url: str) -> None:
    """Where `everywhere` is listened on, this machine is shown."""
    assert url_for(host, 80) == url


def test_any_free_port_will_do() -> None:
    """Port 0 is the system's choice, and the address says which it was."""
    sock = bind_socket("127.0.0.1", 0)
    try:
        assert socket_url(sock) == f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        sock.close()


async def test_streams_hear_of_the_end(start_server: StartServer) -> None:
    """Each with its own time to come back; then nothing listens any more."""
    async with start_server() as api:
        ann = await api.person("ann")
        room = await ann.conversation()
        path = f"/api/stream/conversations/{room}"
        async with ann.client.stream("GET", path) as answer:
            lines = answer.aiter_lines()
            while "stream.open" not in await anext(lines):
                pass
            draining = asyncio.create_task(api.components.hub.drain())
            rest = "\n".join([line async for line in lines])
            await draining

    assert '"reason":"shutdown"' in rest
    assert "retry: " in rest


async def test_a_request_in_progress_is_answered(start_server: StartServer) -> None:
    """Stopping waits for it."""
    async with httpx.AsyncClient(timeout=20) as client:
        async with start_server() as api:
            await api.person("ann")
            hashing, go = api.components.services.sessions._passwords._pool, threading.Event()
            busy = [hashing.submit(go.wait, 20) for _ in range(hashing._max_workers)]
            await until(lambda: all(one.running() for one in busy))
            body = {"email": "ann", "password": "wrong password"}
            asking = asyncio.create_task(client.post(f"{api.url}/api/auth/login", json=body))
            await until(lambda: hashing._work_queue.qsize() > 0)
            going_on = asyncio.create_task(_once_it_stops(api, go))
        await going_on
        answer = await asking

    assert answer.status_code == 401


async def _once_it_stops(api: InProcessServer, go: threading.Event) -> None:
    await until(lambda: api.components.realtime.subscribers.draining)
    go.set()


async def test_idle_connections_do_not_hold_the_end_up(start_server: StartServer) -> None:
    """Neither one that is kept open, nor one that never says anything."""
    async with start_server() as api:
        silent = await asyncio.open_connection("127.0.0.1", httpx.URL(api.url).port)
        kept = await asyncio.open_connection("127.0.0.1", httpx.URL(api.url).port)
        kept[1].write(request("GET", "/healthz"))
        await kept[0].readuntil(b"}")
        started = time.monotonic()

    assert time.monotonic() - started < 4
    for _, writer in (silent, kept):
        writer.close()


async def test_a_connection_may_be_used_again(server: InProcessServer) -> None:
    """Many requests, one after the other, on one connection."""
    async with raw_connection(server.url) as connection:
        for _ in range(3):
            await connection.send(request("GET", "/healthz"))
            assert (await connection.response()).status == 200
