"""Many streams at once, by plain sockets: what a client library would make too heavy."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from tests.support.servers.in_process_server import HttpUser


class RawStream:
    """An open stream, read as it comes; `events` are what it has told so far."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.events: list[dict[str, Any]] = []
        self.retries: list[int] = []
        self.keepalives = 0
        self.ended = asyncio.Event()
        self._pending = b""
        self._news = asyncio.Condition()
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            while data := await self.reader.read(1 << 16):
                await self._parse(data)
        except ConnectionError:
            pass
        finally:
            self.ended.set()
            async with self._news:
                self._news.notify_all()

    async def _parse(self, data: bytes) -> None:
        # Chunk sizes of the transfer encoding stand in lines of their own and are passed over.
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            if line.startswith(b"data: "):
                self.events.append(json.loads(line[6:]))
            elif line.startswith(b"retry: "):
                self.retries.append(int(line[7:]))
            elif line == b":":
                self.keepalives += 1
        async with self._news:
            self._news.notify_all()

    async def until(self, kind: str, count: int = 1, seconds: float = 30) -> list[dict[str, Any]]:
        """So many events of a kind; fails when they do not come in time."""

        def found() -> list[dict[str, Any]]:
            return [event for event in self.events if event["type"] == kind]

        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(lambda: len(found()) >= count or self.ended.is_set())
        assert len(found()) >= count, (kind, len(found()), self.events[-3:])
        return found()

    def numbers(self) -> list[int]:
        """The numbers of the durable events, in the order they came."""
        return [int(e["id"].removeprefix("evt_")) for e in self.events if "id" in e]

    async def wait_for_number(self, number: int, seconds: float = 15) -> None:
        """Wait until a durable event has come; all before it have, each once and in order."""
        async with asyncio.timeout(seconds):
            while not self.numbers() or self.numbers()[-1] < number:
                await asyncio.sleep(0.02)
        first = self.numbers()[0]
        assert self.numbers() == list(range(first, number + 1))

    def abort(self) -> None:
        """Cut the connection without a word."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def close(self) -> None:
        """Let go."""
        self._task.cancel()
        self.writer.transport.abort()


def stream_request(person: HttpUser, conversation: str, last_event_id: str | None = None) -> bytes:
    """The bytes that open a stream."""
    cookies = "; ".join(f"{k}={v}" for k, v in person.client.cookies.items())
    query = f"?last_event_id={last_event_id}" if last_event_id else ""
    path = f"/api/stream/conversations/{conversation}{query}"
    return f"GET {path} HTTP/1.1\r\nHost: x\r\nCookie: {cookies}\r\n\r\n".encode()


async def open_stream(
    person: HttpUser, conversation: str, last_event_id: str | None = None
) -> RawStream:
    """A stream that has begun to open."""
    parts = urlsplit(str(person.client.base_url))
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(stream_request(person, conversation, last_event_id))
    return RawStream(reader, writer)


@asynccontextmanager
async def streams(
    person: HttpUser, conversation: str, count: int
) -> AsyncIterator[list[RawStream]]:
    """So many open streams, each with its opening read."""
    opened: list[RawStream] = []
    try:
        while len(opened) < count:
            opened += [await open_stream(person, conversation)]
        for stream in opened:
            await stream.until("stream.open")
        yield opened
    finally:
        for stream in opened:
            await stream.close()


def open_unread_stream(person: HttpUser, conversation: str) -> socket.socket:
    """A connection that asks for a stream and never reads it."""
    parts = urlsplit(str(person.client.base_url))
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    sock.connect((parts.hostname, parts.port))
    sock.sendall(stream_request(person, conversation))
    return sock
