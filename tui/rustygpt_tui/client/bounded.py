"""Reading what a server sends within bounds, also when it is hostile or no RustyGPT server.

A body, a decompressed body and an event have a maximum size; what is larger ends in one sentence.
Time limits are set by the transport, sizes of headers by the HTTP library.
"""

import codecs
import zlib
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from rustygpt_tui.client.problems import too_large_response, unreadable_response

if TYPE_CHECKING:
    import httpx

MAX_BODY_BYTES = 8 << 20
"""Above every response of the contract: a page has at most 1 MiB, and so has a request's body."""
MAX_EVENT_BYTES = 8 << 20
"""Above every event: the largest has the text of one message."""

_GZIP = 16 + zlib.MAX_WBITS
_EVENT_ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")


async def read_body(
    response: "httpx.Response", origin: str, max_bytes: int = MAX_BODY_BYTES
) -> bytes:
    """Return the decompressed body of a response; raise ServerRejected beyond `max_bytes`.

    The compressed bytes count as well: endless ones may decompress to nothing.
    """
    decompress = _decompressor(response, origin)
    body = bytearray()
    received = 0
    async for chunk in response.aiter_raw():
        received += len(chunk)
        body += decompress(chunk, max_bytes + 1 - len(body))
        if max(received, len(body)) > max_bytes:
            raise too_large_response(origin)
    return bytes(body)


def _decompressor(response: "httpx.Response", origin: str) -> Callable[[bytes, int], bytes]:
    """Return a function that decompresses a part of the body to at most a number of bytes."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("identity", ""):
        return lambda chunk, _: chunk
    if encoding != "gzip":
        raise unreadable_response(origin)
    inflater = zlib.decompressobj(_GZIP)

    def decompress(chunk: bytes, max_bytes: int) -> bytes:
        try:
            return inflater.decompress(chunk, max_bytes)
        except zlib.error:
            raise unreadable_response(origin) from None

    return decompress


class EventText:
    """The text of an event stream, for the parser of `httpx_sse`.

    The encoding is UTF-8 whatever the server names: Python also has "encodings" that decompress.
    """

    def __init__(
        self, response: "httpx.Response", origin: str, max_bytes: int = MAX_EVENT_BYTES
    ) -> None:
        self.headers = response.headers
        self._response = response
        self._origin = origin
        self._max_bytes = max_bytes

    async def aiter_text(self) -> AsyncIterator[str]:
        """Yield the text; raise ServerRejected when an event, or a line, is too large."""
        if self.headers.get("content-encoding", "identity").lower() != "identity":
            raise unreadable_response(self._origin)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        size, before = 0, b""
        async for chunk in self._response.aiter_raw():
            end = max((before + chunk).rfind(ending) for ending in _EVENT_ENDS)
            size = size + len(chunk) if end < 0 else len(before) + len(chunk) - end
            if size > self._max_bytes:
                raise too_large_response(self._origin)
            before = (before + chunk)[-3:]
            if text := decoder.decode(chunk):
                yield text
