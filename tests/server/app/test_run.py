"""Starting to listen, serving, and an orderly shutdown."""

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


def test_an_address_in_use_is_a_startup_error() -> None:
    """The message names the option that chooses another port."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        pytest.raises(StartupError, match="choose another with --port"),
    ):
        bind_socket("127.0.0.1", listener.getsockname()[1])


def test_an_address_of_another_machine_is_a_startup_error() -> None:
    """The message names the address."""
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
def test_the_shown_url_can_be_opened(host: str, url: str) -> None:
    """For a wildcard address the URL has the loopback address."""
    assert url_for(host, 80) == url


def test_port_0_chooses_a_free_port() -> None:
    """The URL has the port that the system chose."""
    sock = bind_socket("127.0.0.1", 0)
    try:
        assert socket_url(sock) == f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        sock.close()


async def test_streams_are_closed_at_shutdown(start_server: StartServer) -> None:
    """Each stream gets a retry delay of its own before it is closed."""
    async with start_server() as server:
        ann = await server.person("ann")
        conversation_id = await ann.conversation()
        path = f"/api/stream/conversations/{conversation_id}"
        async with ann.client.stream("GET", path) as response:
            lines = response.aiter_lines()
            while "stream.open" not in await anext(lines):
                pass
            draining = asyncio.create_task(server.components.hub.drain())
            text = "\n".join([line async for line in lines])
            await draining

    assert '"reason":"shutdown"' in text
    assert "retry: " in text


async def test_shutdown_waits_for_a_request_in_progress(start_server: StartServer) -> None:
    """A login that waits for the password hash is completed."""
    async with httpx.AsyncClient(timeout=60) as client:
        async with start_server() as server:
            await server.person("ann")
            hash_pool = server.components.services.sessions._passwords._pool
            release = threading.Event()
            busy = [hash_pool.submit(release.wait, 20) for _ in range(hash_pool._max_workers)]
            await until(lambda: all(task.running() for task in busy))
            body = {"email": "ann", "password": "wrong password"}
            login = asyncio.create_task(client.post(f"{server.url}/api/auth/login", json=body))
            await until(lambda: hash_pool._work_queue.qsize() > 0)
            unblocking = asyncio.create_task(_release_once_draining(server, release))
        await unblocking
        response = await login

    assert response.status_code == 401


async def _release_once_draining(server: InProcessServer, release: threading.Event) -> None:
    """Set `release` as soon as the server drains its streams."""
    await until(lambda: server.components.realtime.subscribers.draining)
    release.set()


async def test_idle_connections_do_not_delay_shutdown(start_server: StartServer) -> None:
    """Neither a kept-alive connection nor one without any request delays it."""
    async with start_server() as server:
        silent_connection = await asyncio.open_connection("127.0.0.1", httpx.URL(server.url).port)
        kept_connection = await asyncio.open_connection("127.0.0.1", httpx.URL(server.url).port)
        kept_connection[1].write(request("GET", "/healthz"))
        await kept_connection[0].readuntil(b"}")
        started = time.monotonic()

    assert time.monotonic() - started < 60
    for _, writer in (silent_connection, kept_connection):
        writer.close()


async def test_a_connection_is_reused(server: InProcessServer) -> None:
    """Several requests are answered on one connection."""
    async with raw_connection(server.url) as connection:
        for _ in range(3):
            await connection.send(request("GET", "/healthz"))
            assert (await connection.response()).status == 200
