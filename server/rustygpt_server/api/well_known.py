"""The route of the files below `/.well-known/`."""

from typing import Final

from sanic.response import HTTPResponse

from rustygpt_server.api.routing import Operation, RequestContext
from rustygpt_server.errors import NotFound

_CACHE: Final = "public, max-age=3600"


async def show_well_known(context: RequestContext[None], path: str) -> HTTPResponse:
    """Return a configured file, or `security.txt` (RFC 9116)."""
    file = context.services.well_known.find(path)
    if file is None:
        raise NotFound("There is nothing at this address.")
    headers = {"Cache-Control": _CACHE}
    return HTTPResponse(file.body, 200, headers, content_type=file.content_type)


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/.well-known/<path:path>",
        handler=show_well_known,
        response="*/*",
        access="public",
    ),
)
