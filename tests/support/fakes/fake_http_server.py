"""A small HTTP server over a real socket that answers as a test says: for clients' own tests."""

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
    """A request as it came; names of headers are in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class FakeResponse:
    """An answer: `body` in JSON, or `stream` as it comes, or a connection cut without a word."""

    status: int = 200
    body: Any = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    stream: AsyncIterator[bytes] | None = None
    cut: bool = False


Handler = Callable[[RecordedRequest], FakeResponse]


class FakeHttpServer:
    """Routes by method and path; what was asked is kept in `asked`."""

    def __init__(self) -> None:
        self.origin = ""
        self.requests: list[RecordedRequest] = []
        self.writers: set[asyncio.StreamWriter] = set()
        self.routes: dict[tuple[str, str], Handler] = {}

    def on(self, method: str, path: str, *replies: FakeResponse | Handler) -> None:
        """Answer a route with each reply in turn; the last one stays."""
        left = list(replies)

        def handler(asked: RecordedRequest) -> FakeResponse:
            reply = left.pop(0) if len(left) > 1 else left[0]
            return reply(asked) if callable(reply) else reply

        self.routes[method, path] = handler

    def request_count(self, method: str, path: str) -> int:
        """How often a route was asked."""
        return sum((a.method, a.path) == (method, path) for a in self.requests)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.writers.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while (asked := await _read(reader)) is not None:
                self.requests.append(asked)
                handler = self.routes.get((asked.method, asked.path))
                reply = handler(asked) if handler else problem(404, "RGP.NOT_FOUND", "Not here.")
                if reply.cut or not await _write(writer, reply):
                    break
        writer.close()


def problem(status: int, code: str, detail: str, **headers: str) -> FakeResponse:
    """An answer that tells a problem; underscores in names of headers stand for dashes."""
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
    """A server on a free port of this machine, for as long as the block runs."""
    server = FakeHttpServer()
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(server.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listening = await asyncio.start_server(accept, "127.0.0.1", 0)
    server.origin = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await listening.wait_closed()
        for writer in server.writers:
            writer.transport.abort()
        await asyncio.sleep(0)  # lets the transports close before the loop does


async def _read(reader: asyncio.StreamReader) -> RecordedRequest | None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:]) if k}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    return RecordedRequest(method, unquote(parts.path), dict(parse_qsl(parts.query)), headers, body)


async def _write(writer: asyncio.StreamWriter, reply: FakeResponse) -> bool:
    """Send an answer; tells whether the connection goes on."""
    kind = "application/problem+json" if reply.status >= 400 else "application/json"
    headers = [(k, v) for k, v in reply.headers if k.lower() != "content-type"]
    kind = next((v for k, v in reply.headers if k.lower() == "content-type"), kind)
    body = b"" if reply.body is None else encode(reply.body)
    lines = [f"HTTP/1.1 {reply.status} Answer", *(f"{k}: {v}" for k, v in headers)]
    if reply.stream is None:
        lines += [f"content-type: {kind}", f"content-length: {len(body)}", "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()
        return True
    lines += ["content-type: text/event-stream; charset=utf-8", "connection: close", "", ""]
    writer.write("\r\n".join(lines).encode())
    async for piece in reply.stream:
        writer.write(piece)
        await writer.drain()
    return False
