"""HTTP/1.1 connections: stricter than Sanic about what a request is, and limited in number.

Sanic accepts forms that RFC 9112 forbids. A proxy in front that reads them in another way takes the
body of one request for the next one (request smuggling), so they are refused with 400. What a
request asks for does not belong here.
"""

import asyncio
import re
from typing import Any

from sanic import exceptions
from sanic.http.http1 import HTTP_CONTINUE, Http
from sanic.server.protocols.http_protocol import HttpProtocol

from rustygpt_server.app.connection_counter import ConnectionCounter
from rustygpt_server.errors import BadRequest

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_HEAD = re.compile(rb"%b [\x21-\x7e]+ HTTP/1\.[01](?:\r\n%b:[^\x00\r\n]*)*" % (_TOKEN, _TOKEN))
"""RFC 9112, 3 and 5: no white space before a colon, no folded lines, no bare line ends.

Other control characters are allowed in values: any Last-Event-ID has to be answered by a stream.
"""
_LENGTH = re.compile(
    rb"\r\n(?:content-length|transfer-encoding):[^\r]*[^\t\x20-\x7e\r]", re.IGNORECASE
)
"""A header that says where the body ends, with a control character or one beyond ASCII in it.

Python's `strip` removes some of those, which a proxy takes for a part of the value.
"""
_CHUNK_LINE = re.compile(rb"\r\n[0-9A-Fa-f]{1,16}(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")
"""The line before a chunk with the line end before it; RFC 9112, section 7.1."""
_CHUNK_LINE_MAX = 64
_TOO_MANY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n"
    b"Connection: close\r\nContent-Length: 0\r\n\r\n"
)
_DIGITS = {10: re.compile(r"[0-9]{1,18}[ \t]*"), 16: re.compile(r"[0-9A-Fa-f]{1,16}[ \t]*")}


class MalformedBody(BadRequest, exceptions.BadRequest):
    """A body that cannot be read; Sanic expects its own exception where it discards bodies."""


class StrictHttp(Http):
    """The requests of one connection."""

    async def http1_request_header(self) -> None:
        """Read the head of a request; raise BadRequest unless it is of the form in RFC 9112.

        Requests that arrived together on this connection take turns with those on others: without
        the pause the event loop would first serve all of them.
        """
        await asyncio.sleep(0)
        await super().http1_request_header()  # type: ignore[no-untyped-call]
        request = self.request
        if not _HEAD.fullmatch(request.head) or _LENGTH.search(request.head):
            raise BadRequest("The head of this request is not of the form in RFC 9112.")
        hosts = len(request.headers.getall("host", []))
        if hosts > 1 or (hosts == 0 and request.version == "1.1"):
            raise BadRequest("A request has exactly one Host header.")
        if self._is_chunked and request.version != "1.1":
            raise BadRequest("HTTP/1.0 has no Transfer-Encoding.")

    def create_empty_request(self) -> None:
        """Create the request that the response to an unreadable head belongs to.

        Sanic would give it the address of that head, and fail again when that is unreadable.
        """
        self.url = ""
        super().create_empty_request()

    async def read(self) -> bytes | None:
        """Return the next part of a body; raise MalformedBody for a chunk of another form."""
        if self._is_chunked and self.request_bytes_left == 0:
            await asyncio.sleep(0)  # thousands of small chunks may have arrived together
            await self._check_chunk_line()
        data: bytes | None = await super().read()
        return data

    @property
    def _is_chunked(self) -> bool:
        """True while chunks are left to read; Sanic says it by the body's value."""
        body: Any = self.request_body
        return bool(body == "chunked")

    async def _check_chunk_line(self) -> None:
        if self.expecting_continue:
            self.expecting_continue = False
            await self._send(HTTP_CONTINUE)
        buffer = self.recv_buffer
        while (end := buffer.find(b"\r\n", 2)) == -1 and len(buffer) <= _CHUNK_LINE_MAX:
            await self._receive_more()
        if end == -1 or not _CHUNK_LINE.fullmatch(bytes(buffer[:end])):
            self.keep_alive = False
            raise MalformedBody("The body's chunked encoding is not of the form in RFC 9112.")

    @staticmethod
    def _safe_int(value: str, base: int = 10) -> int:
        """Return the number that only ASCII digits make; `int` also takes `0x5` and `٣`."""
        if not _DIGITS[base].fullmatch(value):
            raise ValueError(value)
        return int(value, base)


class HttpConnection(HttpProtocol):
    """One connection; the application's `ctx.connections` counts it."""

    __slots__ = ("_counted_as", "is_silent")
    HTTP_CLASS = StrictHttp

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.is_silent = True
        """True until the first byte has arrived."""
        self._counted_as: str | None = None

    def connection_made(self, transport: Any) -> None:
        """Serve the connection, or refuse it when there are too many."""
        counter: ConnectionCounter = self.app.ctx.connections
        self._counted_as = counter.add((transport.get_extra_info("peername") or ("",))[0])
        if self._counted_as is None:
            transport.write(_TOO_MANY)
            transport.close()
        else:
            super().connection_made(transport)  # type: ignore[no-untyped-call]

    def connection_lost(self, exc: Exception | None) -> None:
        """Release what the connection had."""
        if self._counted_as is not None:
            self.app.ctx.connections.remove(self._counted_as)
            super().connection_lost(exc)  # type: ignore[no-untyped-call]

    def data_received(self, data: bytes) -> None:
        """Take bytes of a request."""
        if self._counted_as is not None:
            self.is_silent = False
            super().data_received(data)
