"""Bodies are admitted before they are read."""

import json

import pytest
from tests.support.clients.raw_http import raw_connection, request
from tests.support.servers.in_process_server import HttpUser, InProcessServer, StartServer

from rustygpt_shared.settings import Db, Llm, Server, Settings

_JSON = "Content-Type: application/json"
_ID = "00000000-0000-7000-8000-000000000000"


def _signed_in(user: HttpUser) -> tuple[str, ...]:
    token = user.client.cookies["SESSION_ID"]
    return _JSON, f"Cookie: SESSION_ID={token}", f"X-CSRF-TOKEN: {user.csrf}"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/setup", 413),
        ("/api/auth/login", 413),
        (f"/api/threads/{_ID}/root", 401),
        ("/api/conversations", 401),
    ],
)
async def test_a_large_body_is_not_read_from_anonymous_callers(
    server: InProcessServer, path: str, status: int
) -> None:
    """The answer comes before the body; 65,536 bytes are the limit."""
    async with raw_connection(server.url) as connection:
        await connection.send(request("POST", path, _JSON, "Content-Length: 65537"))
        assert (await connection.response()).status == status


async def test_a_chunked_body_is_limited_by_what_arrives(server: InProcessServer) -> None:
    """Its length is not known before; beyond the limit it is 413."""
    async with raw_connection(server.url) as connection:
        chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
        await connection.send(
            request("POST", "/api/auth/login", _JSON, "Transfer-Encoding: chunked", body=chunk * 3)
        )
        assert (await connection.response()).status == 413


async def test_a_body_within_the_limit_is_read_from_anonymous_callers(
    server: InProcessServer,
) -> None:
    """65,536 bytes are accepted."""
    body = json.dumps({"email": "x", "password": "y"}).encode().ljust(65_536)
    async with raw_connection(server.url) as connection:
        length = f"Content-Length: {len(body)}"
        await connection.send(request("POST", "/api/auth/login", _JSON, length, body=body))
        assert (await connection.response()).status == 401


async def test_a_large_body_is_read_from_a_caller_who_is_signed_in(
    server: InProcessServer,
) -> None:
    """A message of 65,536 characters of 4 bytes has more than 65,536 bytes."""
    ann = await server.person("ann")
    root = await ann.root(await ann.conversation(), "🦀" * 65_536)
    message = await ann.get(f"/api/messages/{root}")

    assert len(message["content"]) == 65_536


async def test_the_bodies_that_arrive_at_once_have_a_limit(start_server: StartServer) -> None:
    """Beyond it a body is refused with 503; when another one has ended, it is read."""
    settings = Settings(
        server=Server(body_memory_bytes=150_000),
        llm=Llm(default_model="demo"),
        db=Db(max_connections=4),
    )
    async with start_server(settings=settings) as server:
        ann = await server.person("ann")
        headers = (*_signed_in(ann), "Content-Length: 100000")
        incomplete = request("POST", "/api/conversations", *headers, body=b"{")
        complete = request("POST", "/api/conversations", *headers, body=b"{}".ljust(100_000))
        async with raw_connection(server.url) as first:
            await first.send(incomplete)
            while await _status(server.url, incomplete) != 503:
                pass  # the body before was not counted yet, and this one waited for its rest
        while (status := await _status(server.url, complete)) == 503:
            pass  # the connection that closed was not noticed yet

    assert status == 422


async def _status(url: str, sent: bytes) -> int | None:
    """Return the status of a response, or None when there is none within 0.2 s."""
    async with raw_connection(url) as connection:
        await connection.send(sent)
        try:
            return (await connection.response(0.2)).status
        except TimeoutError:
            return None
