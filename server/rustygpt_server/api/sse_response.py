"""Where a stream's bytes go: a connection of Sanic's, and past Sanic when nothing is in the way."""

import socket
import struct
from asyncio import WriteTransport
from typing import Final, cast

from sanic.request import Request
from sanic.response import HTTPResponse

from rustygpt_server.realtime.subscriber import SharedChunk

HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
_TYPE = "text/event-stream; charset=utf-8"

_HIGH_WATER_BYTES: Final = 1 << 14
"""A connection that has so many bytes to send gets what is new by the way that waits."""
_SEND_BUFFER_BYTES: Final = 1 << 16
"""What the kernel may hold for one reader; by itself it would grow to megabytes."""
_TCP_USER_TIMEOUT_MS: Final = 30_000
"""A peer that acknowledges nothing for so long is gone."""


class SseResponse:
    """A streaming response."""

    __slots__ = ("_response", "_transport")

    def __init__(self, response: HTTPResponse, transport: WriteTransport) -> None:
        self._response = response
        self._transport = transport

    @classmethod
    async def begin(cls, request: Request, first_frames: bytes) -> "SseResponse":
        """Answer a request with a stream, and its first bytes."""
        response = await request.respond(content_type=_TYPE, headers=HEADERS.copy())
        transport = cast("WriteTransport", request.transport)
        _limit_socket_buffers(transport.get_extra_info("socket"))
        sink = cls(cast("HTTPResponse", response), transport)
        await sink.send(first_frames)
        _release_request(request, response)
        return sink

    def write(self, chunk: SharedChunk) -> bool:
        """Send at once what many are sent, unless the connection has enough to do.

        This does not count as a sign of life for Sanic, which ends a silent response: heartbeats
        go by `send`, whatever else is sent.
        """
        transport = self._transport
        if transport.get_write_buffer_size() > _HIGH_WATER_BYTES:
            return False
        if not transport.is_closing():
            wire = chunk.http_chunk
            if wire is None:
                wire = chunk.http_chunk = b"%x\r\n%b\r\n" % (len(chunk.data), chunk.data)
            transport.write(wire)
        return True

    async def send(self, data: bytes) -> None:
        """Send as soon as the connection takes it."""
        await self._response.send(data)

    def abort(self) -> None:
        """End the connection at once; what a reader did not take must not stay in the kernel."""
        sock = self._transport.get_extra_info("socket")
        if sock is not None and self._transport.get_write_buffer_size():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()


def _limit_socket_buffers(sock: socket.socket | None) -> None:
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _TCP_USER_TIMEOUT_MS)


def _release_request(request: Request, response: HTTPResponse) -> None:
    """Let go of what was asked and answered: a stream lasts, and there are thousands."""
    request.headers.clear()
    request.head = b""
    request.parsed_args.clear()
    request.parsed_cookies = None
    response.headers.clear()
