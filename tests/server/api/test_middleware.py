"""What every response carries, and requests that never reach a handler."""

import asyncio
import json
import re

import pytest
from tests.support.clients.raw_http import RawResponse, raw_connection, request
from tests.support.password import PASSWORD
from tests.support.servers.in_process_server import InProcessServer, StartServer
from tests.support.wait import until

from rustygpt_shared.settings import Db, Llm, Server, Settings

_SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}
_JSON = "Content-Type: application/json"
_TOO_LARGE = 1_048_577


def _chunked(size: int, count: int) -> bytes:
    """Return a chunked body with `count` chunks of `size` bytes."""
    return b"".join(b"%x\r\n%s\r\n" % (size, b"x" * size) for _ in range(count)) + b"0\r\n\r\n"


_REQUESTS: dict[str, tuple[bytes, int]] = {
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
    "too large": (request("POST", "/api/setup", _JSON, f"Content-Length: {_TOO_LARGE}"), 413),
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
async def responses(server: InProcessServer) -> dict[str, RawResponse]:
    """Return the server's response to each of the requests above."""
    received = {}
    for name, (raw_request, _) in _REQUESTS.items():
        async with raw_connection(server.url) as connection:
            await connection.send(raw_request)
            received[name] = (
                await connection.response()
                if raw_request[:4] != b"HEAD"
                else await _read_head(connection)
            )
    return received


async def _read_head(connection: object) -> RawResponse:
    """Read a response without a body."""
    head = (await connection.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")  # type: ignore[attr-defined]
    pairs = [line.split(":", 1) for line in head[1:] if line]
    headers = [(name.lower(), value.strip()) for name, value in pairs]
    return RawResponse(int(head[0].split(" ")[1]), headers, b"")


async def test_every_response_has_the_security_headers(responses: dict[str, RawResponse]) -> None:
    """Each response has its status, every security header once, and a request id."""
    wrong = []
    for name, response in responses.items():
        headers = dict(response.headers)
        names = [key for key, _ in response.headers if key != "set-cookie"]
        is_valid = (
            response.status == _REQUESTS[name][1]
            and all(headers.get(key) == value for key, value in _SECURITY_HEADERS.items())
            and "unsafe" not in headers["content-security-policy"]
            and len(names) == len(set(names))
            and 0 < len(headers["x-request-id"]) <= 128
            and "server" not in headers
        )
        if not is_valid:
            wrong.append((name, response.status, response.headers))

    assert wrong == []


async def test_every_error_is_a_problem_document(responses: dict[str, RawResponse]) -> None:
    """A problem repeats the request id, is never cached, and shows no internals (RFC 9457)."""
    for name, response in responses.items():
        if response.status < 400 or not response.body:
            continue
        assert response.header("content-type") == "application/problem+json", name
        assert response.header("cache-control") == "no-store", name
        problem = json.loads(response.body)
        assert problem["status"] == response.status
        assert problem["request_id"] == response.header("x-request-id")
        assert problem["type"] == f"https://rustygpt.dev/problems/{problem['code']}"
        assert problem["message"] == problem["detail"]
        assert "Traceback" not in str(problem)
    assert set((responses["method"].header("allow") or "").split(", ")) == {"GET", "HEAD", "POST"}
    assert responses["not signed in"].header("www-authenticate") == "session"


async def test_an_unchanged_file_is_304_with_all_headers(server: InProcessServer) -> None:
    """If-None-Match may list several ETags."""
    ann = await server.person("ann")
    etag = (await ann.client.get("/")).headers["etag"]
    for if_none_match in (etag, f'"other", W/{etag}'):
        response = await ann.client.get("/", headers={"If-None-Match": if_none_match})
        assert response.status_code == 304
        assert response.content == b""
        assert response.headers["x-content-type-options"] == "nosniff"
    assert (await ann.client.get("/", headers={"If-None-Match": '"x"'})).status_code == 200


async def test_a_stream_has_the_security_headers(server: InProcessServer) -> None:
    """The headers of a stream are sent before its handler ends."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    async with ann.follow(conversation_id) as stream:
        await stream.next("stream.open")
        headers = stream.response.headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-accel-buffering"] == "no"
    assert "x-request-id" in headers


async def test_a_smuggled_request_is_not_answered(server: InProcessServer) -> None:
    """After a rejected body the rest of the connection's data is not read as a request."""
    smuggled = request("GET", "/api/setup")
    async with raw_connection(server.url) as connection:
        headers = (_JSON, "Content-Length: 4", "Transfer-Encoding: chunked")
        await connection.send(request("POST", "/api/setup", *headers, body=b"0\r\n\r\n" + smuggled))
        received = await connection.rest()

    assert received.count(b"HTTP/1.1 ") == 1
    assert b"is_setup" not in received


@pytest.mark.parametrize(
    "head",
    [b"GET / HTTP/1.1\r\nX-Slow: ", request("POST", "/api/setup", _JSON, "Content-Length: 1000")],
    ids=["header", "body"],
)
async def test_a_slow_request_is_aborted(
    server: InProcessServer, head: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    """A request that is incomplete for too long is aborted, however steadily its bytes arrive.

    That is no failure of the server.
    """
    is_aborted = False
    async with raw_connection(server.url) as connection:
        await connection.send(head)
        for _ in range(9):
            try:
                await connection.send(b" ")
            except ConnectionError:
                is_aborted = True
                break
            server.clock.advance(5)
            await asyncio.sleep(0.02)
        received = await connection.rest()

    assert is_aborted or received == b""
    await until(lambda: _counted(server) != [])
    assert [status for _, status in _counted(server)] == ["499"]
    assert "Traceback" not in "".join(capfd.readouterr())


async def test_a_large_body_has_time_by_its_length(start_server: StartServer) -> None:
    """30,000 bytes at 1,000 bytes per second have 30 s in addition to the 10 s of every body."""
    settings = Settings(
        server=Server(body_min_bytes_per_second=1_000),
        llm=Llm(default_model="demo"),
        db=Db(max_connections=4),
    )
    async with start_server(settings=settings) as server, raw_connection(server.url) as connection:
        started = server.clock.monotonic()
        head = request("POST", "/api/auth/login", _JSON, "Content-Length: 30000")
        await connection.send(head + b"{")
        aborted = asyncio.create_task(connection.rest(30))
        while not aborted.done():
            server.clock.advance(1)
            await asyncio.sleep(0.01)
        assert await aborted == b""
        assert 40 <= server.clock.monotonic() - started < 60


async def test_complete_requests_on_an_idle_connection_are_answered(
    server: InProcessServer,
) -> None:
    """The time between requests does not count as the time of a request."""
    async with raw_connection(server.url) as connection:
        for _ in range(5):
            await connection.send(request("GET", "/healthz"))
            assert (await connection.response()).status == 200
            server.clock.advance(20)
            await asyncio.sleep(0.02)


async def test_the_request_id_header_is_configurable(
    start_server: StartServer,
) -> None:
    """The id is read from and returned in the header that the settings name."""
    settings = Settings(
        server=Server(request_id_header="x-trace"),
        llm=Llm(default_model="demo"),
        db=Db(max_connections=4),
    )
    async with start_server(settings=settings) as server, raw_connection(server.url) as connection:
        await connection.send(request("GET", "/healthz", "X-Trace: mine"))
        response = await connection.response()

    assert response.header("x-trace") == "mine"


async def test_a_request_cannot_forge_log_lines(
    server: InProcessServer, capfd: pytest.CaptureFixture[str]
) -> None:
    """Line breaks and control characters of a request never reach the log."""
    logged = capfd.readouterr()
    async with raw_connection(server.url) as connection:
        path = "/api/x%0a2026-01-01%20forged%1b[31m"
        await connection.send(request("GET", path, "User-Agent: a\x1b[31mb", "x-request-id: a b"))
        await connection.response()
    logged = capfd.readouterr()

    assert "forged" not in logged.out + logged.err
    assert "\x1b[31m" not in logged.out + logged.err


_ID = "00000000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/setup"),
        ("POST", "/api/auth/login"),
        ("POST", f"/api/threads/{_ID}/root"),
        ("PATCH", f"/api/conversations/{_ID}"),
        ("GET", "/api/auth/me"),
        ("GET", "/api/stream"),
    ],
)
@pytest.mark.parametrize("header", ["Content-Length: 100", "Transfer-Encoding: chunked"])
async def test_a_client_that_leaves_before_its_body_arrived_is_no_failure_of_the_server(
    server: InProcessServer,
    capfd: pytest.CaptureFixture[str],
    method: str,
    path: str,
    header: str,
) -> None:
    """It is logged for information and counted as 499, which is the only status.

    A body of unknown length is not awaited from a caller who is not signed in: that is 401.
    """
    is_public = path in ("/api/setup", "/api/auth/login")
    if "chunked" in header and not is_public:
        async with raw_connection(server.url) as connection:
            await connection.send(request(method, path, _JSON, header, body=b"1\r\n{"))
            assert (await connection.response()).status == 401
        return
    async with raw_connection(server.url) as connection:
        await connection.send(request(method, path, _JSON, header, body=b"1\r\n{"))
    await until(lambda: _counted(server) != [])

    assert [status for _, status in _counted(server)] == ["499"]
    logged = "".join(capfd.readouterr())
    assert re.search(r"\[info +\] client went away .*status=499", logged)
    assert "error" not in logged


async def test_a_client_that_leaves_before_its_response_is_no_failure_of_the_server(
    server: InProcessServer,
) -> None:
    """Also when its request is complete."""
    async with raw_connection(server.url) as connection:
        body = json.dumps({"email": "ada", "password": PASSWORD}).encode()
        headers = (_JSON, f"Content-Length: {len(body)}")
        await connection.send(request("POST", "/api/auth/login", *headers, body=body))
    await until(lambda: _counted(server) != [])

    assert _counted(server)[0][1] in ("401", "499")


def _counted(server: InProcessServer) -> list[tuple[str, str]]:
    """Return the method and the status of all requests that were counted."""
    report = server.components.context.runtime.metrics.report().decode()
    pattern = r'http_requests_total\{method="(\w+)",route="[^"]*",status="(\d+)"\}'
    return re.findall(pattern, report)
