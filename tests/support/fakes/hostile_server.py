"""A server that sends whatever bytes a test chooses, also without an end, and counts them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress

Script = Callable[[], Iterable[bytes]]
"""Returns the bytes that one connection gets, in parts."""


class HostileServer:
    """Sends the bytes of `script` to each request; the connection then stays open."""

    def __init__(self) -> None:
        self.origin = ""
        self.script: Script = lambda: ()
        self.pause = 0.0
        """Seconds between the parts."""
        self.requests: list[str] = []
        """The head of each request."""
        self.sent = 0
        """The bytes that the network has taken, which is what was read and what is in buffers."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.requests.append(head.decode("latin-1"))
                for part in self.script():
                    writer.write(part)
                    await writer.drain()
                    self.sent += len(part)
                    await asyncio.sleep(self.pause)
        writer.transport.abort()

    def header_of(self, name: str) -> list[str]:
        """Return the values of a header in all requests."""
        lines = [line for head in self.requests for line in head.split("\r\n")]
        prefix = f"{name.lower()}: "
        return [line[len(prefix) :] for line in lines if line.lower().startswith(prefix)]


@asynccontextmanager
async def hostile_server() -> AsyncIterator[HostileServer]:
    """Yield a server on a free port of this machine."""
    server = HostileServer()
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.set_write_buffer_limits(high=0)  # `drain` waits for the network
        task = asyncio.ensure_future(server.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listener = await asyncio.start_server(accept, "127.0.0.1", 0)
    server.origin = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await listener.wait_closed()
        await asyncio.sleep(0)  # lets the transports close before the loop does
