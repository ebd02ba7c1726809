"""A raw uvloop protocol that writes each frame to every subscriber: the limit of Python.

`python uvloop_raw.py PORT [joined]`: `joined` writes what is pending once per loop iteration.
"""

import asyncio
import sys

import uvloop

_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"6\r\n: ok\n\n\r\n"
)


class Channel:
    """The subscribers, and what waits to be written to all of them."""

    def __init__(self, *, batched: bool) -> None:
        self.listeners: set[asyncio.Transport] = set()
        self._batched = batched
        self._count = 0
        self._pending: list[bytes] = []

    def publish(self, body: bytes) -> None:
        """Write a frame to all, now or at the end of this iteration of the loop."""
        self._count += 1
        self._pending.append(b"id: %d\nevent: token\ndata: %b\n\n" % (self._count, body))
        if not self._batched:
            self._write()
        elif len(self._pending) == 1:
            asyncio.get_running_loop().call_soon(self._write)

    def _write(self) -> None:
        data = b"".join(self._pending)
        self._pending.clear()
        chunk = b"%x\r\n%b\r\n" % (len(data), data)
        for transport in self.listeners:
            transport.write(chunk)


class Connection(asyncio.Protocol):
    """GET listens, POST publishes, to the channel that the target names."""

    def __init__(self, channels: dict[bytes, Channel], *, batched: bool) -> None:
        self._channels = channels
        self._batched = batched
        self._buffer = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, error: Exception | None) -> None:
        for channel in self._channels.values():
            channel.listeners.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            length = 0
            if not head.startswith(b"GET"):
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            if len(self._buffer) < end + 4 + length:
                return
            body = self._buffer[end + 4 : end + 4 + length]
            self._buffer = self._buffer[end + 4 + length :]
            name = head[: head.index(b" HTTP/")].rpartition(b"=")[2]
            if name not in self._channels:
                self._channels[name] = Channel(batched=self._batched)
            self._answer(self._channels[name], body)

    def _answer(self, channel: Channel, body: bytes) -> None:
        if body:
            channel.publish(body)
            self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        else:
            self._transport.write(_HEAD)
            channel.listeners.add(self._transport)


async def main() -> None:
    """Serve until stopped."""
    channels: dict[bytes, Channel] = {}
    joined = "joined" in sys.argv
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(channels, batched=joined), "127.0.0.1", int(sys.argv[1]), backlog=4_096
    )
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
