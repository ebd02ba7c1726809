"""Which requests for the set-up come from the server's own machine."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from tests.support.clients.raw_http import raw_connection
from tests.support.password import PASSWORD
from tests.support.servers.in_process_server import InProcessServer

SETUP = {"username": "ann", "email": "ann@example.org", "password": PASSWORD}


LOOPBACK_HOSTS = (
    "localhost",
    "LocalHost:8080",
    "127.0.0.1",
    "127.1.2.3:80",
    "[::1]:8080",
    "[::ffff:127.0.0.1]",
)
OTHER_HOSTS = (
    "evil.example",
    "localhost.evil.example:8080",
    "127.0.0.1.nip.io",
    "evil@localhost",
    "[::2]:80",
    "192.0.2.1",
    "0.0.0.0",
    "2130706433",
    "[::1",
    "localhost:80:80",
    "",
)
FORWARDING = (
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Port",
    "X-Forwarded",
    "X-Real-IP",
    "Via",
    "X-Client-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "X-Original-Host",
    "X-Envoy-External-Address",
    "Forwarded-For",
    "X_Forwarded_For",
    "X-Originating-IP",
    "CDN-Loop",
    "CF-Ray",
    "Fly-Region",
    "Fastly-FF",
    "X-Amzn-Trace-Id",
    "X-Varnish",
)


async def _set_up(client: httpx.AsyncClient, headers: list[tuple[str, str]]) -> int:
    return (await client.post("/api/setup", json=SETUP, headers=headers)).status_code


@pytest.fixture
async def client(server: InProcessServer) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server that is not set up."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        yield client


async def test_another_host_needs_the_token(client: httpx.AsyncClient) -> None:
    """A browser on the server's machine may be led there by a name (DNS rebinding)."""
    for host in OTHER_HOSTS:
        assert await _set_up(client, [("Host", host)]) in {400, 403}, host


async def test_a_forwarded_request_needs_the_token(client: httpx.AsyncClient) -> None:
    """Whatever a proxy adds, also an empty value or one that names this machine."""
    for name in FORWARDING:
        for value in ("127.0.0.1", ""):
            assert await _set_up(client, [(name, value)]) == 403, name


async def test_a_loopback_host_needs_no_token(client: httpx.AsyncClient) -> None:
    """By name or by address, with and without a port: only the first set-up succeeds."""
    statuses = [await _set_up(client, [("Host", host)]) for host in LOOPBACK_HOSTS]
    assert statuses == [201, 409, 409, 409, 409, 409]


async def test_headers_of_browsers_and_tools_do_not_matter(client: httpx.AsyncClient) -> None:
    """They are no sign of a proxy."""
    names = ("User-Agent", "Referer", "Accept-Language", "X-Request-Id", "DNT", "Priority")
    assert await _set_up(client, [(name, "a-1") for name in names]) == 201


async def test_a_request_of_http_10_needs_the_token(server: InProcessServer) -> None:
    """A proxy sends it that adds no header and names the server by its loopback address."""
    body = json.dumps(SETUP).encode()
    head = f"POST /api/setup HTTP/1.0\r\nHost: 127.0.0.1:8080\r\nContent-Length: {len(body)}\r\n"
    async with raw_connection(server.url) as connection:
        await connection.send(f"{head}Content-Type: application/json\r\n\r\n".encode() + body)
        assert (await connection.response()).status == 403
