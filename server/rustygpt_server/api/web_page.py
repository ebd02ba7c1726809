"""The web page's files: read once at start, so that no request names a path of the machine."""

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
    """A file as it is sent."""

    data: bytes
    content_type: str
    etag: str


def make_blueprint(folder: Path) -> Blueprint:
    """The routes of the page; unknown addresses that want HTML get the page itself."""
    files = read_files(folder)
    blueprint = Blueprint("page")

    async def show(request: Request, path: str = "") -> HTTPResponse:
        file = files.get(path or "index.html")
        if file is None and _wants_page(request, path):
            file = files.get("index.html")
        if file is None:
            raise NotFound
        return _send(request, file)

    blueprint.add_route(show, "/", ["GET", "HEAD"], name="index")
    blueprint.add_route(show, "/<path:path>", ["GET", "HEAD"], name="file")
    return blueprint


def read_files(folder: Path) -> dict[str, StaticFile]:
    """Every file below a folder, by its address; hidden ones and links to outside are left out."""
    inside = folder.resolve()
    found = {}
    for file in sorted(inside.rglob("*")):
        address = file.relative_to(inside).as_posix()
        hidden = any(part.startswith(".") for part in file.relative_to(inside).parts)
        if hidden or not file.is_file() or not file.resolve().is_relative_to(inside):
            continue
        if file.stat().st_size <= _FILE_LIMIT:
            data = file.read_bytes()
            tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
            found[address] = StaticFile(data, _content_type(file), tag)
    return found


def _content_type(file: Path) -> str:
    kind = "text/javascript" if file.suffix == ".js" else mimetypes.guess_type(file.name)[0]
    kind = kind or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


def _wants_page(request: Request, path: str) -> bool:
    accepts = "text/html" in request.headers.get("accept", "")
    return accepts and not path.startswith(("api/", "v1/", ".well-known/"))


def _send(request: Request, file: StaticFile) -> HTTPResponse:
    headers = {"Cache-Control": "no-cache", "ETag": file.etag}
    known = request.headers.get("if-none-match", "")
    if file.etag in (tag.strip().removeprefix("W/") for tag in known.split(",")):
        return HTTPResponse(b"", 304, headers)
    return HTTPResponse(file.data, 200, headers, content_type=file.content_type)
