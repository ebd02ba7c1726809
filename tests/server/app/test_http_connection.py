"""What a connection takes for a request, and how many connections are served."""

import asyncio
import re

import pytest
from tests.support.clients.raw_http import raw_connection, request
from tests.support.servers.in_process_server import InProcessServer, StartServer

from rustygpt_shared.settings import Db, Llm, Server, Settings

_JSON = "Content-Type: application/json"
_HIDDEN = request("GET", "/api/setup")
"""A request inside the body of another one; a server that answers it can be used for smuggling."""


def _post(*headers: str, body: bytes = _HIDDEN) -> bytes:
    return request("POST", "/api/auth/login", _JSON, *headers, body=body)


def _settings(**server: int) -> Settings:
    return Settings(
        server=Server(**server),  # type: ignore[arg-type]
        llm=Llm(default_model="demo"),
        db=Db(max_connections=4),
    )


AMBIGUOUS = [
    _post(f"Content-Length : {len(_HIDDEN)}"),
    _post(f"Content-Length\t: {len(_HIDDEN)}"),
    _post("Transfer-Encoding : chunked", body=b"0\r\n\r\n" + _HIDDEN),
    _post(f"Content-Length: +{len(_HIDDEN)}"),
    _post(f"Content-Length: 0x{len(_HIDDEN):x}"),
    _post("Content-Length: 1_0"),
    _post("Content-Length: 1 0"),
    _post("Content-Length:"),
    _post("Transfer-Encoding: chunked", body=b"0x5\r\nhello\r\n0\r\n\r\n" + _HIDDEN),
    _post("Transfer-Encoding: chunked", body=b"+5\r\nhello\r\n0\r\n\r\n" + _HIDDEN),
    _post("Transfer-Encoding: chunked", body=b" 5\r\nhello\r\n0\r\n\r\n" + _HIDDEN),
    _post("Transfer-Encoding: chunked", body=b"5 \r\nhello\r\n0\r\n\r\n" + _HIDDEN),
    _post("Transfer-Encoding: chunked", body="\u0665\r\nhello\r\n0\r\n\r\n".encode() + _HIDDEN),
    _post("Transfer-Encoding: chunked", body=b"5\r\nhelloXX0\r\n\r\n" + _HIDDEN),
    _post("Transfer-Encoding: chunked", body=b"5;\nx\r\nhello\r\n0\r\n\r\n" + _HIDDEN),
    _post("Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0\r\nX: y\r\n\r\n" + _HIDDEN),
    _post("Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n" + _HIDDEN),
    _post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    _post("Transfer-Encoding:\x0bchunked", body=b"0\r\n\r\n" + _HIDDEN),
    _post("Transfer-Encoding: \x0cchunked", body=b"0\r\n\r\n" + _HIDDEN),
    _post("Transfer-Encoding: \xc2\xa0chunked", body=b"0\r\n\r\n" + _HIDDEN),
    _post(f"Content-Length: \x0b{len(_HIDDEN)}"),
    _post(f"Content-Length: \xe3\x80\x80{len(_HIDDEN)}"),
    _post("X-Folded: a\r\n b"),
    _post("X-Bare: a\nContent-Length: 0"),
    _post("X-Bare: a\rContent-Length: 0"),
    _post("no colon"),
    _post(": no name"),
    _post("Host: other"),
    b"POST /api/auth/login HTTP/1.1\r\nContent-Length: 0\r\n\r\n" + _HIDDEN,
    b"POST /api/auth/login HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + _HIDDEN,
    b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Nul: a\x00b\r\n\r\n" + _HIDDEN,
    b"GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + _HIDDEN,
    b"G(T /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + _HIDDEN,
    b"GET /healthz\x00 HTTP/1.1\r\nHost: x\r\n\r\n" + _HIDDEN,
    b"GET healthz HTTP/1.1\r\nHost: x\r\n\r\n" + _HIDDEN,
    b"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n" + _HIDDEN,
    b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n" + _HIDDEN,
]


async def test_an_ambiguous_request_is_400_and_ends_its_connection(
    server: InProcessServer, caplog: pytest.LogCaptureFixture
) -> None:
    """What follows it is never read as a request (RFC 9112, sections 5.1, 6.3 and 7.1).

    The log has no traceback of it.
    """
    accepted = []
    for sent in AMBIGUOUS:
        async with raw_connection(server.url) as connection:
            await connection.send(sent)
            received = await connection.rest()
        is_one = received.count(b"HTTP/1.1 ") == 1 and b"is_setup" not in received
        if not (received.startswith(b"HTTP/1.1 400 ") and is_one):
            accepted.append((sent, received))

    assert accepted == []
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize(
    "body",
    [
        b"2\r\n{}\r\n0\r\n\r\n",
        b"02\r\n{}\r\n00\r\n\r\n",
        b"2;name=value\r\n{}\r\n0\r\n\r\n",
        b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
        b"A\r\n{        }\r\n0\r\n\r\n",
    ],
)
async def test_chunked_bodies_of_the_right_form_are_read(
    server: InProcessServer, body: bytes
) -> None:
    """The next request on the connection is answered too."""
    async with raw_connection(server.url) as connection:
        await connection.send(_post("Transfer-Encoding: chunked", body=body))
        assert (await connection.response()).status == 422  # the body lacks its fields
        await connection.send(_HIDDEN)
        assert (await connection.response()).status == 200


async def test_a_chunked_body_waits_for_its_continuation(server: InProcessServer) -> None:
    """`Expect: 100-continue` is answered before the first chunk is read."""
    async with raw_connection(server.url) as connection:
        await connection.send(_post("Transfer-Encoding: chunked", "Expect: 100-continue", body=b""))
        assert (await connection.response()).status == 100
        await connection.send(b"2\r\n{}\r\n0\r\n\r\n")
        assert (await connection.response()).status == 422


async def test_connections_of_one_address_are_limited(start_server: StartServer) -> None:
    """One more is refused with 503; when one closes, the next is served."""
    async with start_server(settings=_settings(max_connections_per_address=2)) as server:
        async with raw_connection(server.url) as first, raw_connection(server.url) as second:
            for connection in (first, second):
                await connection.send(_HIDDEN)
                assert (await connection.response()).status == 200
            async with raw_connection(server.url) as third:
                assert (await third.rest()).startswith(b"HTTP/1.1 503 ")
        status = 503
        while status == 503:  # until the server has noticed that the others closed
            async with raw_connection(server.url) as fourth:
                await fourth.send(_HIDDEN)
                status = (await fourth.response()).status

    assert status == 200


async def test_silent_connections_are_closed(server: InProcessServer) -> None:
    """A connection without any request is closed after the time limit for the head of one."""
    async with raw_connection(server.url) as silent, raw_connection(server.url) as used:
        await used.send(_HIDDEN)
        assert (await used.response()).status == 200
        closed = asyncio.create_task(silent.rest(30))
        while not closed.done():
            server.clock.advance(2)
            await asyncio.sleep(0.01)
        assert await closed == b""
        await used.send(_HIDDEN)
        assert (await used.response()).status == 200


async def test_pipelined_requests_take_turns_with_those_of_other_connections(
    server: InProcessServer,
) -> None:
    """A request on another connection does not wait until all of them are answered."""
    number = 1_500
    answered = await _answered_before_another_connection(
        server, request("GET", "/healthz") * number, "/healthz"
    )

    assert answered < number / 3


async def test_small_chunks_take_turns_with_requests_of_other_connections(
    server: InProcessServer,
) -> None:
    """A request on another connection does not wait until all of them are read."""
    chunks = b"1\r\n \r\n" * 5_000 + b"0\r\n\r\n"
    answered = await _answered_before_another_connection(
        server,
        chunks,
        "/api/auth/login",
        begin=_post("Transfer-Encoding: chunked", body=b"1\r\n{\r\n"),
    )

    assert answered == 0


async def _answered_before_another_connection(
    server: InProcessServer, sent: bytes, route: str, begin: bytes = b""
) -> int:
    """Return how many requests to a route were answered before one on another connection.

    The server reads `begin` before `sent` is sent.
    """
    async with raw_connection(server.url) as busy, raw_connection(server.url) as other:
        await busy.send(begin)
        await other.send(_HIDDEN)
        assert (await other.response()).status == 200
        await busy.send(sent)
        await other.send(request("GET", "/metrics"))
        metrics = (await other.response()).body.decode()
    counts = re.findall(
        rf'^http_requests_total{{.*route="{route}".*}} (\d+)', metrics, re.MULTILINE
    )
    return sum(int(count) for count in counts)
