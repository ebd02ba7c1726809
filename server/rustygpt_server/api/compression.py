"""Compression of responses: which encoding a client accepts, and how much time is spent on one.

Streams are never compressed: an encoder holds back what should be sent at once.
"""

import asyncio
import re
import zlib
from typing import Final, Literal

import brotli
from sanic.response import BaseHTTPResponse, HTTPResponse

Encoding = Literal["br", "gzip"]
Effort = Literal["fast", "once"]
"""For each response; for what is compressed once and kept.

`once` compresses the files of the page in 14 ms; Brotli's best quality takes 340 ms at each start,
for 9 % fewer bytes.
"""
_BROTLI_QUALITY: Final = {"fast": 1, "once": 5}
_GZIP_LEVEL: Final = {"fast": 1, "once": 6}

SMALLEST: Final = 1_024
"""Bytes below which a response fits into one packet anyway."""
_THREAD_BYTES: Final = 131_072
"""From here on the event loop would wait for milliseconds."""
_GZIP: Final = 31
"""zlib's window size for the gzip format."""
_SECRET_PATHS: Final = ("/api/auth/", "/api/setup")
"""Their responses have secrets, which the length of a compressed response may reveal (BREACH)."""
_ITEM = re.compile(r"\s*([A-Za-z-]+|\*)\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?))?\s*")


def accepted_encoding(header: str) -> Encoding | None:
    """Return the best encoding in an Accept-Encoding header (RFC 9110, 12.5.3), or None."""
    weights: dict[str, float] = {}
    for part in header[:1_000].split(","):
        if match := _ITEM.fullmatch(part):
            weights[match[1].lower()] = float(match[2] or 1)
    candidates: tuple[Encoding, Encoding] = ("br", "gzip")
    best = max(candidates, key=lambda name: weights.get(name, weights.get("*", 0)))
    return best if weights.get(best, weights.get("*", 0)) > 0 else None


def compress(data: bytes, encoding: Encoding, effort: Effort = "fast") -> bytes:
    """Return data in an encoding."""
    if encoding == "br":
        compressed: bytes = brotli.compress(data, quality=_BROTLI_QUALITY[effort])
        return compressed
    return zlib.compress(data, _GZIP_LEVEL[effort], _GZIP)


async def compress_response(response: BaseHTTPResponse, path: str, accepted: str) -> None:
    """Compress the JSON of a response in place, when that helps its client."""
    if not (isinstance(response, HTTPResponse) and _is_compressible(response, path)):
        return
    response.headers.add("Vary", "Accept-Encoding")
    encoding = accepted_encoding(accepted)
    if encoding is None or response.body is None:
        return
    body = response.body
    if len(body) < _THREAD_BYTES:
        response.body = compress(body, encoding)
    else:
        response.body = await asyncio.to_thread(compress, body, encoding)
    response.headers["Content-Encoding"] = encoding


def _is_compressible(response: HTTPResponse, path: str) -> bool:
    is_json = response.content_type == "application/json"
    is_large = len(response.body or b"") >= SMALLEST
    is_encoded = "content-encoding" in response.headers
    return is_json and is_large and not is_encoded and not path.startswith(_SECRET_PATHS)
