"""Our server with a second port whose requests publish ready events directly into the hub.

`python -m tests.benchmarks.hub_only PORT PUBLISH_PORT URL USER PASSWORD`: streams are opened as
usual at PORT; each body posted to PUBLISH_PORT/<conversation> is published as a durable event that
is not in the database.
"""

import asyncio
import sys
from uuid import UUID

import msgspec
import uvloop

from rustygpt_server.app.components import Components
from rustygpt_server.app.context import ServerContext
from rustygpt_server.app.realtime_components import RealtimeComponents
from rustygpt_server.app.run import bind_socket, serve
from rustygpt_server.clock import TimeLimits
from rustygpt_server.db.bootstrap import PoolLogin
from rustygpt_server.db.rows import EventRecord
from rustygpt_server.runtime import Runtime
from rustygpt_server.telemetry import set_up_logging
from rustygpt_shared.settings import Logging, Settings, Sse


class PublishPort(asyncio.Protocol):
    """Publishes the body of each POST; supports nothing else of HTTP."""

    def __init__(self, realtime: RealtimeComponents, counts: dict[UUID, int]) -> None:
        self._hub = realtime.hub
        self._channels = realtime.channels
        self._counts = counts
        self._buffer = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            if len(self._buffer) < end + 4 + length:
                return
            body = self._buffer[end + 4 : end + 4 + length]
            self._buffer = self._buffer[end + 4 + length :]
            self._publish(UUID(head[6:42].decode()), body)
            self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    def _publish(self, conversation_id: UUID, body: bytes) -> None:
        last = (
            self._counts.get(conversation_id) or self._channels.open(conversation_id).position or 0
        )
        self._counts[conversation_id] = last + 1
        payload = msgspec.json.encode({"code": "bench", "message": body.decode()})
        self._hub.publish(
            conversation_id, [EventRecord(conversation_id, last + 1, "error", payload.decode())]
        )


async def main() -> None:
    """Serve until stopped."""
    port, publish_port, url, user, password = sys.argv[1:]
    settings = Settings(sse=Sse(max_streams_per_user=20_000), logging=Logging(level="warning"))
    set_up_logging(settings.logging)
    # A comparison with the log would find fewer events than published, and reset all streams.
    limits = TimeLimits(position_check=3_600)
    config = ServerContext(settings, url, PoolLogin(user, password), runtime=Runtime(limits=limits))
    loop = asyncio.get_running_loop()
    counts: dict[UUID, int] = {}
    opening: list[asyncio.Task[asyncio.Server]] = []

    def ready(_: str, components: Components) -> None:
        server = loop.create_server(
            lambda: PublishPort(components.realtime, counts),
            "127.0.0.1",
            int(publish_port),
            backlog=4_096,
        )
        opening.append(loop.create_task(server))

    await serve(config, bind_socket("127.0.0.1", int(port)), ready, asyncio.Event())


if __name__ == "__main__":
    uvloop.run(main())
