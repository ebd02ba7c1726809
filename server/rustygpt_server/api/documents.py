"""The routes of the OpenAPI document and of the page that shows it.

The document describes the routes, so it is built above this layer, when it is first requested, and
injected as `Documents`.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from sanic.response import HTTPResponse

from rustygpt_server.api.routing import Operation, RequestContext
from rustygpt_server.api.web_page import StaticFile, send_file, static_file
from rustygpt_server.errors import NotFound

JSON: Final = "openapi.json"
YAML: Final = "openapi.yaml"
PAGE: Final = "docs"
_TYPES: Final = {
    JSON: "application/json",
    YAML: "application/yaml",
    PAGE: "text/html; charset=utf-8",
    "docs.css": "text/css; charset=utf-8",
    "docs.js": "text/javascript; charset=utf-8",
}

Write = Callable[[], dict[str, bytes]]
"""Returns the bytes of all documents, by the names above."""


class Documents:
    """The documents of one application, written once, in a thread, when they are first needed."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._files: dict[str, StaticFile] = {}
        self._lock = asyncio.Lock()

    async def find(self, name: str) -> StaticFile:
        """Return a document; raises NotFound."""
        if name not in _TYPES:
            raise NotFound("There is nothing at this address.")
        async with self._lock:
            if not self._files:
                self._files = await asyncio.to_thread(self._make_files)
        return self._files[name]

    def _make_files(self) -> dict[str, StaticFile]:
        return {name: static_file(data, _TYPES[name]) for name, data in self._write().items()}


async def show_json(context: RequestContext[None]) -> HTTPResponse:
    """Return this document as JSON."""
    return await _send(context, JSON)


async def show_yaml(context: RequestContext[None]) -> HTTPResponse:
    """Return this document as YAML."""
    return await _send(context, YAML)


async def show_page(context: RequestContext[None]) -> HTTPResponse:
    """Return this document as a page, which needs no other host."""
    return await _send(context, PAGE)


async def show_page_file(context: RequestContext[None], name: str) -> HTTPResponse:
    """Return a file of the page: `docs.css` or `docs.js`."""
    if name in (JSON, YAML, PAGE):
        raise NotFound("There is nothing at this address.")
    return await _send(context, name)


async def _send(context: RequestContext[None], name: str) -> HTTPResponse:
    documents: Documents = context.request.app.ctx.documents
    return send_file(context.request, await documents.find(name))


OPERATIONS: Final = (
    Operation(
        method="GET",
        path=f"/{JSON}",
        handler=show_json,
        response=_TYPES[JSON],
        access="public",
    ),
    Operation(
        method="GET",
        path=f"/{YAML}",
        handler=show_yaml,
        response=_TYPES[YAML],
        access="public",
    ),
    Operation(
        method="GET", path=f"/{PAGE}", handler=show_page, response="text/html", access="public"
    ),
    Operation(
        method="GET",
        path=f"/{PAGE}/<name:str>",
        handler=show_page_file,
        response="*/*",
        access="public",
    ),
)
