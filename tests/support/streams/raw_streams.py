"""Many streams at once over plain sockets, without the cost of a client library."""

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
    """An open stream; `events` are those received so far."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.events: list[dict[str, Any]] = []
        self.retries: list[int] = []
        self.keepalives = 0
        self.ended = asyncio.Event()
        self._pending = b""
        self._received = asyncio.Condition()
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            while data := await self.reader.read(1 << 16):
                await self._parse(data)
        except ConnectionError:
            pass
        finally:
            self.ended.set()
            async with self._received:
                self._received.notify_all()

    async def _parse(self, data: bytes) -> None:
        # Chunk sizes of the transfer encoding are lines of their own, which are ignored.
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            if line.startswith(b"data: "):
                self.events.append(json.loads(line[6:]))
            elif line.startswith(b"retry: "):
                self.retries.append(int(line[7:]))
            elif line == b":":
                self.keepalives += 1
        async with self._received:
            self._received.notify_all()

    async def until(
        self, event_type: str, count: int = 1, seconds: float = 60
    ) -> list[dict[str, Any]]:
        """Wait for `count` events of a type and return them; fail after `seconds`."""

        def matching() -> list[dict[str, Any]]:
            return [event for event in self.events if event["type"] == event_type]

        async with asyncio.timeout(seconds), self._received:
            await self._received.wait_for(lambda: len(matching()) >= count or self.ended.is_set())
        assert len(matching()) >= count, (event_type, len(matching()), self.events[-3:])
        return matching()

    def numbers(self) -> list[int]:
        """Return the numbers of the durable events in the order of their arrival."""
        return [int(e["id"].removeprefix("evt_")) for e in self.events if "id" in e]

    async def wait_for_number(self, number: int, seconds: float = 60) -> None:
        """Wait for a durable event; all events before it arrived once and in order."""
        async with asyncio.timeout(seconds):
            while not self.numbers() or self.numbers()[-1] < number:
                await asyncio.sleep(0.02)
        first = self.numbers()[0]
        assert self.numbers() == list(range(first, number + 1))

    def abort(self) -> None:
        """Reset the connection."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def close(self) -> None:
        """Stop reading and close the connection."""
        self._task.cancel()
        self.writer.transport.abort()


def stream_request(
    person: HttpUser, conversation_id: str, last_event_id: str | None = None
) -> bytes:
    """Return the bytes of a request that opens a stream."""
    cookies = "; ".join(f"{k}={v}" for k, v in person.client.cookies.items())
    query = f"?last_event_id={last_event_id}" if last_event_id else ""
    path = f"/api/stream/conversations/{conversation_id}{query}"
    return f"GET {path} HTTP/1.1\r\nHost: x\r\nCookie: {cookies}\r\n\r\n".encode()


async def open_stream(
    person: HttpUser, conversation_id: str, last_event_id: str | None = None
) -> RawStream:
    """Open a stream without waiting for its first event."""
    parts = urlsplit(str(person.client.base_url))
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(stream_request(person, conversation_id, last_event_id))
    return RawStream(reader, writer)


@asynccontextmanager
async def streams(
    person: HttpUser, conversation_id: str, count: int
) -> AsyncIterator[list[RawStream]]:
    """Open `count` streams, and wait for each one's `stream.open`."""
    opened: list[RawStream] = []
    try:
        while len(opened) < count:
            opened += [await open_stream(person, conversation_id)]
        for stream in opened:
            await stream.until("stream.open")
        yield opened
    finally:
        for stream in opened:
            await stream.close()


def open_unread_stream(person: HttpUser, conversation_id: str) -> socket.socket:
    """Return a connection that requests a stream and never reads it."""
    parts = urlsplit(str(person.client.base_url))
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    sock.connect((parts.hostname, parts.port))
    sock.sendall(stream_request(person, conversation_id))
    return sock
