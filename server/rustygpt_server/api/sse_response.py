"""The streaming response of an event stream, with a direct path to the transport.

Implements the Sink that `realtime` writes to.
"""

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
"""With more bytes than this in its write buffer, a connection is not written to directly."""
_SEND_BUFFER_BYTES: Final = 1 << 16
"""Limit of the kernel's send buffer of one stream, which otherwise grows to megabytes."""


class SseResponse:
    """A streaming response whose bytes may bypass Sanic."""

    __slots__ = ("_response", "_transport")

    def __init__(self, response: HTTPResponse, transport: WriteTransport) -> None:
        self._response = response
        self._transport = transport

    @classmethod
    async def begin(
        cls, request: Request, first_frames: bytes, peer_timeout: float
    ) -> "SseResponse":
        """Start the streaming response to a request and send its first frames.

        The kernel closes the connection of a peer that acknowledges no data for `peer_timeout`
        seconds.
        """
        response = await request.respond(content_type=_TYPE, headers=HEADERS.copy())
        transport = cast("WriteTransport", request.transport)
        configure_socket(transport.get_extra_info("socket"), peer_timeout)
        stream = cls(cast("HTTPResponse", response), transport)
        await stream.send(first_frames)
        _release_request(request, response)
        return stream

    def write(self, chunk: SharedChunk) -> bool:
        """Write a shared chunk to the transport; return False when its buffer is above the limit.

        Sanic does not see these bytes and ends a response that it considers idle. Therefore
        keepalives are sent with `send`, even on busy streams.
        """
        transport = self._transport
        if transport.get_write_buffer_size() > _HIGH_WATER_BYTES:
            return False
        if not transport.is_closing():
            data = chunk.http_chunk
            if data is None:
                data = chunk.http_chunk = b"%x\r\n%b\r\n" % (len(chunk.data), chunk.data)
            transport.write(data)
        return True

    async def send(self, data: bytes) -> None:
        """Send data through Sanic; wait until the connection accepts it."""
        await self._response.send(data)

    def abort(self) -> None:
        """Close the connection at once and discard what the peer has not read."""
        sock = self._transport.get_extra_info("socket")
        if sock is not None and self._transport.get_write_buffer_size():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()


def configure_socket(sock: socket.socket | None, peer_timeout: float) -> None:
    """Bound what the kernel keeps for a peer, and how long it waits for one that is silent."""
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(peer_timeout * 1000))


def _release_request(request: Request, response: HTTPResponse) -> None:
    """Free what the request and the response hold: thousands of streams stay open for hours."""
    request.headers.clear()
    request.head = b""
    request.parsed_args.clear()
    request.parsed_cookies = None
    response.headers.clear()
