"""HTTP as raw bytes, for requests that no client library sends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass
class RawResponse:
    """A response as it was received."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the first value of a header."""
        return next((value for key, value in self.headers if key == name.lower()), None)


@dataclass
class RawConnection:
    """A connection to write bytes to."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Write bytes."""
        self.writer.write(data)
        await self.writer.drain()

    async def response(self, seconds: float = 60) -> RawResponse:
        """Return the next response, with a body of Content-Length bytes."""
        async with asyncio.timeout(seconds):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            pairs = [line.split(":", 1) for line in head[1:] if line]
            headers = [(name.lower(), value.strip()) for name, value in pairs]
            length = int(dict(headers).get("content-length", "0"))
            return RawResponse(int(head[0].split(" ")[1]), headers, await self._body(length))

    async def _body(self, length: int) -> bytes:
        return await self.reader.readexactly(length)

    async def rest(self, seconds: float = 60) -> bytes:
        """Return all bytes until the connection is closed."""
        async with asyncio.timeout(seconds):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""


@asynccontextmanager
async def raw_connection(url: str) -> AsyncIterator[RawConnection]:
    """Connect to the server at a URL."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        yield RawConnection(reader, writer)
    finally:
        writer.close()


def request(method: str, path: str, *headers: str, body: bytes = b"") -> bytes:
    """Return the bytes of a request with exactly these headers, after `Host`."""
    lines = [f"{method} {path} HTTP/1.1", "Host: x", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body
