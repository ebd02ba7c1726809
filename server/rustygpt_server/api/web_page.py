"""Static files of the web page, read once at start, so that no request opens a path."""

import hashlib
import mimetypes
from pathlib import Path
from typing import NamedTuple

from sanic import Blueprint
from sanic.exceptions import NotFound
from sanic.request import Request
from sanic.response import HTTPResponse

_FILE_LIMIT = 4 << 20


class StaticFile(NamedTuple):
    """A file as it is served."""

    data: bytes
    content_type: str
    etag: str


class WebPage:
    """The routes of the page; unknown addresses that accept HTML get the page itself."""

    def __init__(self, folder: Path) -> None:
        self._files = read_files(folder)
        self.blueprint = Blueprint("page")
        self.blueprint.add_route(self.serve, "/", ["GET", "HEAD"], name="index")
        self.blueprint.add_route(self.serve, "/<path:path>", ["GET", "HEAD"], name="file")

    async def serve(self, request: Request, path: str = "") -> HTTPResponse:
        """Return the file at a path; raises Sanic's NotFound."""
        file = self._files.get(path or "index.html")
        if file is None and _wants_page(request, path):
            file = self._files.get("index.html")
        if file is None:
            raise NotFound
        return _send(request, file)


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
            etag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
            files[path] = StaticFile(data, _content_type(file), etag)
    return files


def _content_type(file: Path) -> str:
    kind = "text/javascript" if file.suffix == ".js" else mimetypes.guess_type(file.name)[0]
    kind = kind or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


def _wants_page(request: Request, path: str) -> bool:
    accepts = "text/html" in request.headers.get("accept", "")
    return accepts and not path.startswith(("api/", "v1/", ".well-known/"))


def _send(request: Request, file: StaticFile) -> HTTPResponse:
    headers = {"Cache-Control": "no-cache", "ETag": file.etag}
    cached = request.headers.get("if-none-match", "")
    if file.etag in (tag.strip().removeprefix("W/") for tag in cached.split(",")):
        return HTTPResponse(b"", 304, headers)
    return HTTPResponse(file.data, 200, headers, content_type=file.content_type)
