"""Cross-origin resource sharing (Fetch Standard, 3.2): which other sites' pages may use the server.

Whether such a page may change something with the user's cookies is also checked in
`authentication`.
"""

from typing import Final

from sanic.request import Request
from sanic.response import BaseHTTPResponse, HTTPResponse

from rustygpt_shared.settings import Csrf, Server

_METHODS: Final = "GET, HEAD, POST, PUT, PATCH, DELETE"
_REQUEST_HEADERS: Final = ("Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID")
_RESPONSE_HEADERS: Final = (
    *("Idempotent-Replay", "X-Session-Rotated", "Retry-After"),
    *("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "X-RateLimit-Profile"),
    *("X-RateLimit-Limit", "X-RateLimit-Remaining"),
)


class Cors:
    """Responds to preflight requests, and adds headers for pages of the configured origins."""

    def __init__(self, server: Server, csrf: Csrf) -> None:
        cors = server.cors
        self._origins = frozenset(cors.allowed_origins)
        self._credentials = {"Access-Control-Allow-Credentials": "true"}
        if not cors.allow_credentials:
            self._credentials = {}
        exposed = ", ".join((server.request_id_header, *_RESPONSE_HEADERS))
        self._exposed = {"Access-Control-Expose-Headers": exposed}
        allowed = (*_REQUEST_HEADERS, csrf.header_name, server.request_id_header)
        self._preflight = {
            "Access-Control-Allow-Methods": _METHODS,
            "Access-Control-Allow-Headers": ", ".join(allowed),
            "Access-Control-Max-Age": str(cors.max_age_seconds),
        }

    def preflight_response(self, request: Request) -> HTTPResponse | None:
        """Return the response to a preflight request from an allowed origin, or None."""
        is_preflight = (
            request.method == "OPTIONS" and "access-control-request-method" in request.headers
        )
        if not is_preflight or self._allowed_origin(request) is None:
            return None
        return HTTPResponse(b"", 204, dict(self._preflight))

    def add_headers(self, request: Request, response: BaseHTTPResponse) -> None:
        """Add the headers that let the page of an allowed origin read the response."""
        if not self._origins:
            return
        response.headers.add("Vary", "Origin")
        origin = self._allowed_origin(request)
        if origin is not None:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers.update({**self._credentials, **self._exposed})

    def _allowed_origin(self, request: Request) -> str | None:
        """Return the value of Access-Control-Allow-Origin for a request, or None."""
        origins = request.headers.getall("origin", [])
        if len(origins) != 1:
            return None
        if "*" in self._origins:
            return "*"
        return str(origins[0]) if origins[0] in self._origins else None
