"""What every answer carries, whoever made it."""

import asyncio
import json

import pytest
from tests.support.clients.raw_http import RawResponse, raw_connection, request
from tests.support.servers.in_process_server import InProcessServer, StartServer

from rustygpt_shared.settings import Db, Llm, Server, Settings

_ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}
_JSON = "Content-Type: application/json"
_BIG = 1_048_577


def _chunked(size: int, count: int) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (size, b"x" * size) for _ in range(count)) + b"0\r\n\r\n"


_ASKED: dict[str, tuple[bytes, int]] = {
    "page": (request("GET", "/"), 200),
    "file": (request("GET", "/js/main.js"), 200),
    "head": (request("HEAD", "/api/setup"), 200),
    "json": (request("GET", "/api/setup"), 200),
    "unknown": (request("GET", "/api/nothing"), 404),
    "unknown file": (request("GET", "/nothing.js"), 404),
    "not signed in": (request("GET", "/api/auth/me"), 401),
    "method": (request("DELETE", "/api/setup"), 405),
    "made-up method": (request("BREW", "/api/setup"), 405),
    "options": (request("OPTIONS", "/api/setup"), 405),
    "stream by HEAD": (
        request("HEAD", "/api/stream/conversations/00000000-0000-7000-8000-000000000000"),
        405,
    ),
    "no request": (b"nonsense\r\n\r\n", 400),
    "version": (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", 400),
    "bytes in the address": (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "NUL in the path": (request("GET", "/%00"), 404),
    "huge headers": (request("GET", "/", "X-Much: " + "x" * 20_000), 413),
    "both lengths": (
        request("POST", "/api/setup", _JSON, "Content-Length: 2", "Transfer-Encoding: chunked"),
        400,
    ),
    "two lengths": (
        request("POST", "/api/setup", _JSON, "Content-Length: 2", "Content-Length: 3", body=b"{}"),
        400,
    ),
    "no length": (request("POST", "/api/setup", _JSON, "Content-Length: many"), 400),
    "negative length": (request("POST", "/api/setup", _JSON, "Content-Length: -1"), 400),
    "too large": (request("POST", "/api/setup", _JSON, f"Content-Length: {_BIG}"), 413),
    "too large in chunks": (
        request(
            "POST", "/api/setup", _JSON, "Transfer-Encoding: chunked", body=_chunked(65_536, 17)
        ),
        413,
    ),
    "bad chunks": (
        request("POST", "/api/setup", _JSON, "Transfer-Encoding: chunked", body=b"zz\r\n\r\n"),
        400,
    ),
    "expectation": (
        request("POST", "/api/setup", _JSON, "Content-Length: 2", "Expect: tea", body=b"{}"),
        400,
    ),
}


@pytest.fixture
async def answers(server: InProcessServer) -> dict[str, RawResponse]:
    """What a server answers to each of the requests above."""
    told = {}
    for name, (sent, _) in _ASKED.items():
        async with raw_connection(server.url) as connection:
            await connection.send(sent)
            told[name] = (
                await connection.response() if sent[:4] != b"HEAD" else await _head(connection)
            )
    return told


async def _head(connection: object) -> RawResponse:
    head = (await connection.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")  # type: ignore[attr-defined]
    pairs = [line.split(":", 1) for line in head[1:] if line]
    headers = [(name.lower(), value.strip()) for name, value in pairs]
    return RawResponse(int(head[0].split(" ")[1]), headers, b"")


async def test_every_kind_of_answer_is_framed(answers: dict[str, RawResponse]) -> None:
    """The status that fits, security headers once each, a request id; errors as problems."""
    wrong = []
    for name, answer in answers.items():
        headers = dict(answer.headers)
        names = [key for key, _ in answer.headers if key != "set-cookie"]
        right = (
            answer.status == _ASKED[name][1]
            and all(headers.get(key) == value for key, value in _ALWAYS.items())
            and "unsafe" not in headers["content-security-policy"]
            and len(names) == len(set(names))
            and 0 < len(headers["x-request-id"]) <= 128
            and "server" not in headers
        )
        if not right:
            wrong.append((name, answer.status, answer.headers))

    assert wrong == []


async def test_every_error_is_a_problem(answers: dict[str, RawResponse]) -> None:
    """With the same request id as its header, never kept by caches, never with insides."""
    for name, answer in answers.items():
        if answer.status < 400 or not answer.body:
            continue
        assert answer.header("content-type") == "application/problem+json", name
        assert answer.header("cache-control") == "no-store", name
        told = json.loads(answer.body)
        assert told["status"] == answer.status
        assert told["request_id"] == answer.header("x-request-id")
        assert told["type"] == f"https://rustygpt.dev/problems/{told['code']}"
        assert told["message"] == told["detail"]
        assert "Traceback" not in str(told)
    assert set((answers["method"].header("allow") or "").split(", ")) == {"GET", "HEAD", "POST"}
    assert answers["not signed in"].header("www-authenticate") == "session"


async def test_a_file_that_is_known_is_304_with_all_headers(server: InProcessServer) -> None:
    """Also when its tag stands among others."""
    ann = await server.person("ann")
    tag = (await ann.client.get("/")).headers["etag"]
    for known in (tag, f'"other", W/{tag}'):
        answer = await ann.client.get("/", headers={"If-None-Match": known})
        assert answer.status_code == 304
        assert answer.content == b""
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert (await ann.client.get("/", headers={"If-None-Match": '"x"'})).status_code == 200


async def test_a_stream_carries_the_headers_too(server: InProcessServer) -> None:
    """Its answer begins before its handler ends."""
    ann = await server.person("ann")
    room = await ann.conversation()
    async with ann.follow(room) as stream:
        await stream.next("stream.open")
        headers = stream.response.headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-accel-buffering"] == "no"
    assert "x-request-id" in headers


async def test_smuggled_requests_are_not_answered(server: InProcessServer) -> None:
    """After a refused body nothing that follows on the connection is read as a request."""
    hidden = request("GET", "/api/setup")
    async with raw_connection(server.url) as connection:
        head = (_JSON, "Content-Length: 4", "Transfer-Encoding: chunked")
        await connection.send(request("POST", "/api/setup", *head, body=b"0\r\n\r\n" + hidden))
        told = await connection.rest()

    assert told.count(b"HTTP/1.1 ") == 1
    assert b"is_setup" not in told


@pytest.mark.parametrize(
    "head",
    [b"GET / HTTP/1.1\r\nX-Slow: ", request("POST", "/api/setup", _JSON, "Content-Length: 1000")],
    ids=["header", "body"],
)
async def test_a_request_that_trickles_is_cut(server: InProcessServer, head: bytes) -> None:
    """However steadily its bytes come."""
    cut = False
    async with raw_connection(server.url) as connection:
        await connection.send(head)
        for _ in range(9):
            try:
                await connection.send(b" ")
            except ConnectionError:
                cut = True
                break
            server.clock.advance(5)
            await asyncio.sleep(0.02)
        told = await connection.rest()

    assert cut or told == b""


async def test_a_slow_client_that_sends_whole_requests_is_not_cut(server: InProcessServer) -> None:
    """Time between requests is no time of a request."""
    async with raw_connection(server.url) as connection:
        for _ in range(5):
            await connection.send(request("GET", "/healthz"))
            assert (await connection.response()).status == 200
            server.clock.advance(20)
            await asyncio.sleep(0.02)


async def test_the_request_id_header_has_the_name_of_the_settings(
    start_server: StartServer,
) -> None:
    """And is read from it."""
    settings = Settings(
        server=Server(request_id_header="x-trace"),
        llm=Llm(default_model="demo"),
        db=Db(max_connections=4),
    )
    async with start_server(settings=settings) as api, raw_connection(api.url) as connection:
        await connection.send(request("GET", "/healthz", "X-Trace: mine"))
        answer = await connection.response()

    assert answer.header("x-trace") == "mine"


async def test_log_lines_cannot_be_forged(
    server: InProcessServer, capfd: pytest.CaptureFixture[str]
) -> None:
    """What a stranger sends stands in no line of its own."""
    lines = capfd.readouterr()
    async with raw_connection(server.url) as connection:
        forged = "/api/x%0a2026-01-01%20forged%1b[31m"
        await connection.send(request("GET", forged, "User-Agent: a\x1b[31mb", "x-request-id: a b"))
        await connection.response()
    lines = capfd.readouterr()

    assert "forged" not in lines.out + lines.err
    assert "\x1b[31m" not in lines.out + lines.err
