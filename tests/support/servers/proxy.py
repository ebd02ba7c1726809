"""A TCP proxy that can forward nothing, abort connections, or close idle ones."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

ConnectionFilter = Callable[[bytes], bool]
"""Selects a connection by the first bytes that its client sent."""

_HEAD_BYTES: Final = 4_096


@dataclass(eq=False)
class _Link:
    """One connection through the proxy: both sides, and whether data is forwarded."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    flowing: asyncio.Event = field(default_factory=asyncio.Event)
    head: bytes = b""
    last_data_at: float = 0.0

    def abort(self) -> None:
        """Abort both sides."""
        for writer in (self.client, self.server):
            writer.transport.abort()


class Proxy:
    """Forwards connections to one address: `host:port`, or the path of a Unix socket."""

    def __init__(self, target: str, idle_seconds: float | None) -> None:
        self._target = target
        self._idle_seconds = idle_seconds
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._silent: ConnectionFilter = lambda _: False
        self.port = 0

    def silence(self, which: ConnectionFilter = lambda _: True) -> None:
        """Forward no data of these connections in either direction, new connections included."""
        self._silent = which
        self._apply_silence()

    def recover(self) -> None:
        """Forward data again, including what was held back."""
        self._silent = lambda _: False
        self._apply_silence()

    def cut(self, which: ConnectionFilter = lambda _: True) -> int:
        """Abort connections; return their number."""
        links = [link for link in self._links if which(link.head)]
        for link in links:
            link.abort()
        return len(links)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection until either side closes it."""
        server_reader, server_writer = await self._dial()
        link = _Link(writer, server_writer)
        self._links.add(link)
        coroutines = [
            self._forward(link, reader, server_writer),
            self._forward(link, server_reader, writer),
        ]
        if self._idle_seconds is not None:
            coroutines.append(self._end_idle(link, self._idle_seconds))
        tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            link.abort()
            self._links.discard(link)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Accept a connection."""
        task = asyncio.ensure_future(self.serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Abort all connections."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._target.startswith("/"):
            return await asyncio.open_unix_connection(self._target)
        host, _, port = self._target.rpartition(":")
        return await asyncio.open_connection(host, int(port))

    async def _forward(
        self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                link.last_data_at = asyncio.get_running_loop().time()
                if writer is link.server and len(link.head) < _HEAD_BYTES:
                    link.head += data
                self._apply_silence()
                await link.flowing.wait()
                writer.write(data)
                await writer.drain()

    async def _end_idle(self, link: _Link, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        link.last_data_at = loop.time()
        while (left := link.last_data_at + seconds - loop.time()) > 0:
            await asyncio.sleep(left)

    def _apply_silence(self) -> None:
        for link in self._links:
            if self._silent(link.head):
                link.flowing.clear()
            else:
                link.flowing.set()


@asynccontextmanager
async def proxy(target: str, idle_seconds: float | None = None) -> AsyncIterator[Proxy]:
    """Run a proxy on a port of this machine; it closes connections idle for `idle_seconds`."""
    running_proxy = Proxy(target, idle_seconds)
    server = await asyncio.start_server(running_proxy.accept, "127.0.0.1", 0)
    running_proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield running_proxy
    finally:
        server.close()
        await running_proxy.close()
        await server.wait_closed()
