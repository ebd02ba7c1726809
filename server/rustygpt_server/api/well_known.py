"""The route of what is below `/.well-known/`."""

from http import HTTPStatus
from typing import Final

from sanic.response import HTTPResponse

from rustygpt_server.api.routing import Operation, RequestContext
from rustygpt_server.errors import NotFound
from rustygpt_server.services.well_known import WellKnownRedirect

_CACHE: Final = "public, max-age=3600"


async def show_well_known(context: RequestContext[None], path: str) -> HTTPResponse:
    """Return a configured file, `security.txt`, or the address of `change-password`.

    A configured file goes first. Without one `security.txt` (RFC 9116) is made from
    `well_known.contact`, and `change-password` redirects (303) to the page's form, `/#/password`.
    """
    found = context.services.well_known.find(path)
    headers = {"Cache-Control": _CACHE}
    if found is None:
        raise NotFound("There is nothing at this address.")
    if isinstance(found, WellKnownRedirect):
        headers["Location"] = found.location
        return HTTPResponse("", HTTPStatus.SEE_OTHER, headers, content_type="text/plain")
    return HTTPResponse(found.body, HTTPStatus.OK, headers, content_type=found.content_type)


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/.well-known/<path:path>",
        handler=show_well_known,
        response="*/*",
        access="public",
    ),
)
