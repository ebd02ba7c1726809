"""Static files of the web page, read once at start, so that no request opens a path."""

import hashlib
import mimetypes
from pathlib import Path
from typing import Final, NamedTuple

from sanic import Blueprint
from sanic.exceptions import MethodNotAllowed, NotFound
from sanic.request import Request
from sanic.response import HTTPResponse

from rustygpt_server.api.compression import SMALLEST, Encoding, accepted_encoding, compress

_FILE_LIMIT = 4 << 20
_READING: Final = ("GET", "HEAD")
_METHODS: Final = (*_READING, "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class StaticFile(NamedTuple):
    """A file as it is served."""

    data: bytes
    content_type: str
    etag: str
    """The hash of the data, without quotes; each encoding adds its name."""
    encoded: dict[Encoding, bytes]
    """The data in the encodings that make them smaller."""


class WebPage:
    """The routes of the page; unknown addresses that accept HTML get the page itself."""

    def __init__(self, folder: Path) -> None:
        self._files = read_files(folder)
        self.blueprint = Blueprint("page")
        self.blueprint.add_route(self.serve, "/", ["GET", "HEAD"], name="index")
        # All methods: an address that no route has is unknown for each of them, not for GET alone.
        self.blueprint.add_route(
            self.serve, "/<path:path>", _METHODS, name="file", ctx_is_page=True
        )

    async def serve(self, request: Request, path: str = "") -> HTTPResponse:
        """Return the file at a path; raises Sanic's NotFound and MethodNotAllowed."""
        if request.method not in _READING:
            if path in self._files:
                raise MethodNotAllowed("", request.method, _READING)
            raise NotFound
        file = self._files.get(path or "index.html")
        if file is None and _wants_page(request, path):
            file = self._files.get("index.html")
        if file is None:
            raise NotFound
        return send_file(request, file)


def read_files(folder: Path) -> dict[str, StaticFile]:
    """Return the files below a folder, by URL path.

    Hidden files, links that leave the folder, and files above 4 MiB are left out.
    """
    root = folder.resolve()
    files = {}
    for file in sorted(root.rglob("*")):
        path = file.relative_to(root).as_posix()
        hidden = any(part.startswith(".") for part in file.relative_to(root).parts)
        if hidden or not file.is_file() or not file.resolve().is_relative_to(root):
            continue
        if file.stat().st_size <= _FILE_LIMIT:
            data = file.read_bytes()
            files[path] = static_file(data, _content_type(file))
    return files


def static_file(data: bytes, content_type: str) -> StaticFile:
    """Return data as a file, with its hash and its compressed forms."""
    etag = hashlib.sha256(data).hexdigest()[:32]
    return StaticFile(data, content_type, etag, _encodings(data, content_type))


def _encodings(data: bytes, content_type: str) -> dict[Encoding, bytes]:
    if len(data) < SMALLEST or not content_type.startswith(("text/", "image/svg", "application/")):
        return {}
    names: tuple[Encoding, Encoding] = ("br", "gzip")
    encoded = {name: compress(data, name, "once") for name in names}
    return {name: result for name, result in encoded.items() if len(result) < len(data)}


def _content_type(file: Path) -> str:
    kind = "text/javascript" if file.suffix == ".js" else mimetypes.guess_type(file.name)[0]
    kind = kind or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


def _wants_page(request: Request, path: str) -> bool:
    accepts = "text/html" in request.headers.get("accept", "")
    return accepts and not path.startswith(("api/", "v1/", ".well-known/"))


def send_file(request: Request, file: StaticFile) -> HTTPResponse:
    """Return the response with a file, or 304 when the client has it.

    ETag and If-None-Match, compared weakly: RFC 9110, 8.8.3 and 13.1.2.
    """
    encoding = accepted_encoding(request.headers.get("accept-encoding", ""))
    data = file.encoded.get(encoding) if encoding else None
    etag = f'"{file.etag}-{encoding}"' if data else f'"{file.etag}"'
    headers = {"Cache-Control": "no-cache", "ETag": etag, "Vary": "Accept-Encoding"}
    cached = request.headers.get("if-none-match", "")
    if etag in (tag.strip().removeprefix("W/") for tag in cached.split(",")):
        return HTTPResponse(b"", 304, headers)
    if data and encoding:
        headers["Content-Encoding"] = encoding
    return HTTPResponse(data or file.data, 200, headers, content_type=file.content_type)
