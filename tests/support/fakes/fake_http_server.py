"""A scriptable HTTP server on a real socket, for tests of clients.

`fake_chat_server` builds RustyGPT's routes on it, `fake_model_server` has model servers.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from rustygpt_shared.codec import encode
from rustygpt_shared.problems import TYPE_PREFIX, Problem


@dataclass
class RecordedRequest:
    """A request that the server received; names of headers are in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class FakeResponse:
    """A response: `body` as JSON, or the chunks of `stream`, or `cut`: a closed connection."""

    status: int = 200
    body: Any = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    stream: AsyncIterator[bytes] | None = None
    cut: bool = False
    after: asyncio.Event | None = None
    """The response is sent once this is set."""


Handler = Callable[[RecordedRequest], FakeResponse]


class FakeHttpServer:
    """Serves responses by method and path, and records the requests."""

    def __init__(self) -> None:
        self.origin = ""
        self.requests: list[RecordedRequest] = []
        self.routes: dict[tuple[str, str], Handler] = {}
        self.open_connections = 0
        self.failures: list[Exception] = []
        """What handlers have raised; the first one fails the test in the end."""

    def on(self, method: str, path: str, *responses: FakeResponse | Handler) -> None:
        """Serve each response of a route in turn; the last one stays."""
        remaining = list(responses)

        def handler(request: RecordedRequest) -> FakeResponse:
            response = remaining.pop(0) if len(remaining) > 1 else remaining[0]
            return response(request) if callable(response) else response

        self.routes[method, path] = handler

    def request_count(self, method: str, path: str) -> int:
        """Return how many requests a route has received."""
        return sum((r.method, r.path) == (method, path) for r in self.requests)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve the requests of one connection, and close it."""
        self.open_connections += 1
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._serve_one(reader, writer):
                    pass
        except Exception as failure:  # noqa: BLE001 - reported when the test ends
            self.failures.append(failure)
        finally:
            self.open_connections -= 1
            writer.transport.abort()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; return whether the connection stays open."""
        request = await _read(reader)
        self.requests.append(request)
        handler = self.routes.get((request.method, request.path))
        response = handler(request) if handler else problem(404, "RGP.NOT_FOUND", "Not here.")
        if response.after:
            await response.after.wait()
        if response.cut:
            return False
        keep_open = await _write(writer, response)
        if not keep_open:
            writer.close()
            await writer.wait_closed()
        return keep_open


def problem(status: int, code: str, detail: str, **headers: str) -> FakeResponse:
    """Return a problem response; underscores in names of headers stand for dashes."""
    body = Problem(
        type=TYPE_PREFIX + code,
        title="Problem",
        status=status,
        detail=detail,
        code=code,
        message=detail,
        request_id="r-1",
    )
    return FakeResponse(status, body, [(k.replace("_", "-"), v) for k, v in headers.items()])


@asynccontextmanager
async def fake_http_server() -> AsyncIterator[FakeHttpServer]:
    """Yield a server on a free port of this machine."""
    server = FakeHttpServer()
    connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(server.serve(reader, writer))
        connections[task] = writer
        task.add_done_callback(connections.pop)

    listener = await asyncio.start_server(accept, "127.0.0.1", 0)
    server.origin = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
        for task, writer in list(connections.items()):
            task.cancel()
            writer.transport.abort()  # a task that has not started yet would not close it
        await asyncio.gather(*connections, return_exceptions=True)
        await listener.wait_closed()
        await asyncio.sleep(0)  # lets the transports close before the loop does
    if server.failures:
        raise server.failures[0]


async def _read(reader: asyncio.StreamReader) -> RecordedRequest:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:]) if k}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    return RecordedRequest(method, unquote(parts.path), dict(parse_qsl(parts.query)), headers, body)


async def _write(writer: asyncio.StreamWriter, response: FakeResponse) -> bool:
    """Send a response; return whether the connection stays open."""
    content_type = "application/problem+json" if response.status >= 400 else "application/json"
    headers = [(k, v) for k, v in response.headers if k.lower() != "content-type"]
    content_type = next(
        (v for k, v in response.headers if k.lower() == "content-type"), content_type
    )
    body = b"" if response.body is None else encode(response.body)
    lines = [f"HTTP/1.1 {response.status} Response", *(f"{k}: {v}" for k, v in headers)]
    if response.stream is None:
        lines += [f"content-type: {content_type}", f"content-length: {len(body)}", "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()
        return True
    lines += ["content-type: text/event-stream; charset=utf-8", "connection: close", "", ""]
    writer.write("\r\n".join(lines).encode())
    async for chunk in response.stream:
        writer.write(chunk)
        await writer.drain()
    return False
