"""Many logins at once: they delay neither each other nor other requests without a bound."""

import asyncio
import json
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from tests.support.clients.raw_http import request
from tests.support.password import PASSWORD
from tests.support.servers.in_process_server import InProcessServer, StartServer

from rustygpt_server.services.passwords import PENDING_MAX, HashCost


@pytest.fixture
async def server(start_server: StartServer) -> AsyncIterator[InProcessServer]:
    """A server whose hashes take as long as in use."""
    async with start_server(hash_cost=HashCost()) as running:
        yield running


def _login(name: str = "nobody", password: str = "wrong password") -> bytes:
    body = json.dumps({"email": name, "password": password}).encode()
    headers = ("Content-Type: application/json", f"Content-Length: {len(body)}")
    return request("POST", "/api/auth/login", *headers, body=body)


async def test_the_logins_of_clients_that_left_are_dropped(server: InProcessServer) -> None:
    """Somebody else's login is checked next; the passwords of the others are not hashed."""
    await server.person("ann")
    passwords = server.components.services.sessions._passwords
    started = time.process_time()
    for _ in range(5):
        await passwords.hash("x")
    one = (time.process_time() - started) / 5
    started = time.process_time()
    for _ in range(5):
        opened = [await _send(server.url, _login()) for _ in range(PENDING_MAX - 2)]
        await asyncio.sleep(0)
        for writer in opened:
            writer.transport.abort()
    await server.sign_in("ann")

    assert time.process_time() - started < one * 2.5 * PENDING_MAX


async def _send(url: str, sent: bytes) -> asyncio.StreamWriter:
    parts = httpx.URL(url)
    _, writer = await asyncio.open_connection(parts.host, parts.port)
    writer.write(sent)
    await writer.drain()
    return writer


async def test_more_logins_than_can_wait_are_503(server: InProcessServer) -> None:
    """The response says when to try again; the others are checked."""
    await server.person("ann")
    body = {"email": "nobody", "password": "wrong password"}
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=server.url, timeout=60, limits=limits) as client:
        logins = (client.post("/api/auth/login", json=body) for _ in range(PENDING_MAX + 60))
        responses = await asyncio.gather(*logins)
    refused = [response for response in responses if response.status_code == 503]

    assert {response.status_code for response in responses} == {401, 503}
    assert all(response.headers["retry-after"] for response in refused)
    assert "try again" in refused[0].json()["detail"]


@pytest.mark.parametrize("path", ["/api/auth/login", "/api/setup"])
async def test_a_long_password_is_refused_unhashed(server: InProcessServer, path: str) -> None:
    """1,025 characters are 422."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        body = {"email": "a@example.org", "password": "x" * 1_025}
        name = {"username": "ann"} if path == "/api/setup" else {}
        response = await client.post(path, json={**body, **name})

    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "password"


async def test_a_set_up_after_the_first_is_refused_unhashed(server: InProcessServer) -> None:
    """All are 409, however many arrive at once: none waits for a thread."""
    await server.person("ann")
    body = {"username": "eve", "email": "eve@example.org", "password": PASSWORD}
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=server.url, timeout=60, limits=limits) as client:
        attempts = (client.post("/api/setup", json=body) for _ in range(PENDING_MAX + 60))
        statuses = {response.status_code for response in await asyncio.gather(*attempts)}

    assert statuses == {409}
