"""Middleware for every request and response: request id, headers, cookies, log line, metrics."""

import re
from asyncio import CancelledError
from typing import Any, Final

import structlog
from sanic import Sanic
from sanic.exceptions import MethodNotAllowed, NotFound, RequestCancelled, SanicException
from sanic.request import Request
from sanic.response import BaseHTTPResponse, HTTPResponse

from rustygpt_server.api import request_parsing
from rustygpt_server.api.authentication import Authenticator
from rustygpt_server.api.compression import compress_response
from rustygpt_server.api.cors import Cors
from rustygpt_server.api.openai_errors import error_response
from rustygpt_server.api.rate_limiting import (
    PROBES,
    UNLIMITED,
    RequestLimiter,
    note_limit,
)
from rustygpt_server.api.routing import template
from rustygpt_server.errors import BadRequest, Unavailable
from rustygpt_server.runtime import Runtime
from rustygpt_server.telemetry import bind_client, log
from rustygpt_shared.settings import Hsts, Settings

_log = log(__name__)

_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": _CSP,
}
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_CLIENT_GONE: Final = 499
"""The status that logs and metrics show when a client has left before its response (as nginx)."""
_PORT = re.compile(r":[0-9]*$")


class RequestMiddleware:
    """Adds to every request and response of an application what all of them have."""

    def __init__(
        self, settings: Settings, auth: Authenticator, limiter: RequestLimiter, runtime: Runtime
    ) -> None:
        self._header = settings.server.request_id_header
        self._hsts = _hsts(settings.security.hsts)
        self._auth = auth
        self._hosts = frozenset(host.lower() for host in settings.server.allowed_hosts)
        self._cors = Cors(settings.server, settings.security.csrf)
        self._limiter = limiter
        self._clock = runtime.clock
        self._metrics = runtime.metrics

    def install(self, app: Sanic[Any, Any]) -> None:
        """Register the middleware and the error handler with an application."""
        app.register_middleware(self._begin, "request")
        app.register_middleware(self._finish, "response")
        app.error_handler.add(Exception, self._fail)
        app.error_handler.add(CancelledError, self._on_cancelled)

    async def _begin(self, request: Request) -> HTTPResponse | None:
        self._identify(request)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request.ctx.request_id)
        address = self._auth.client_address(request)
        bind_client(address, request_parsing.client_key(address))
        self._check_host(request)
        return self._cors.preflight_response(request)

    def _check_host(self, request: Request) -> None:
        """Raise BadRequest when the request was sent to another host than the configured ones.

        Probes are sent to the machine's address, whatever its name is.
        """
        if not self._hosts or request.path in PROBES:
            return
        host = self._auth.requested_host(request).lower()
        name = _PORT.sub("", host).rstrip(".")
        if not self._hosts.intersection((host, name)):
            raise BadRequest(
                "This server does not serve the host that the request names; "
                "use an address of server.allowed_hosts."
            )

    def _identify(self, request: Request) -> None:
        unix_ms = int(self._clock.now().timestamp() * 1000)
        request.ctx.request_id = request_parsing.request_id(request, self._header, unix_ms)
        request.ctx.started = self._clock.monotonic()

    def _fail(self, request: Request, error: Exception) -> HTTPResponse:
        if not hasattr(request.ctx, "request_id"):
            self._identify(request)
        if isinstance(error, MethodNotAllowed):
            error = _method_error(request, error)
        note_limit(request, error)
        return error_response(request, error)

    def _on_cancelled(self, request: Request, error: BaseException) -> HTTPResponse:
        """Return the response to a request whose task was cancelled.

        Either the client has left, and nobody reads it, or the server shuts down.
        """
        if not hasattr(request.ctx, "request_id"):
            self._identify(request)
        if isinstance(error, RequestCancelled):
            return HTTPResponse(b"", _CLIENT_GONE)
        return error_response(request, Unavailable("The server is shutting down."))

    async def _finish(self, request: Request, response: BaseHTTPResponse) -> None:
        if not hasattr(request.ctx, "request_id"):
            self._identify(request)
        headers = response.headers
        for name, value in {**_SECURITY, **self._hsts}.items():
            headers.setdefault(name, value)
        headers[self._header] = request.ctx.request_id
        self._cors.add_headers(request, response)
        self._limiter.finish(request, headers)
        await compress_response(response, request.path, request.headers.get("accept-encoding", ""))
        for cookie in self._cookies(request):
            headers.add("Set-Cookie", cookie)
        if getattr(request.ctx, "rotated", False):
            headers["X-Session-Rotated"] = "1"
        self._count(request, response)

    def _cookies(self, request: Request) -> list[str]:
        cookies: list[str] = getattr(request.ctx, "cookies", [])
        caller = getattr(request.ctx, "caller", None)
        if caller is not None and caller.new_token and not cookies:
            request.ctx.rotated = True
            return self._auth.session_cookies(caller)
        return cookies

    def _count(self, request: Request, response: BaseHTTPResponse) -> None:
        route = template("/" + request.route.path.strip("/")) if request.route else "none"
        seconds = self._clock.monotonic() - request.ctx.started
        # A client may send any text as the method: it must become neither a label nor a log line.
        method = request.method if request.method in _METHODS else "other"
        self._metrics.requests.labels(method, route, str(response.status)).inc()
        self._metrics.durations.labels(method, route).observe(seconds)
        if route not in UNLIMITED:
            _log.info(
                "client went away" if response.status == _CLIENT_GONE else "request",
                method=method,
                route=route,
                status=response.status,
                ms=round(seconds * 1000, 1),
            )


def _method_error(request: Request, error: MethodNotAllowed) -> SanicException:
    """Return the error with the methods of the address, which Sanic does not always name.

    The page takes every method at every address, and raises for itself: an address that no other
    route has is not found.
    """
    if request.route is not None:
        return error
    allowed = [method for method in sorted(_METHODS) if _has_route(request, method)]
    return MethodNotAllowed("", request.method, allowed) if allowed else NotFound()


def _has_route(request: Request, method: str) -> bool:
    try:
        route, *_ = request.app.router.get(request.path, method, None)
    except SanicException:
        return False
    return not getattr(route.ctx, "is_page", False)


def _hsts(settings: Hsts) -> dict[str, str]:
    if not settings.enabled:
        return {}
    parts = [f"max-age={settings.max_age_seconds}"]
    parts += ["includeSubDomains"] if settings.include_subdomains else []
    parts += ["preload"] if settings.preload else []
    return {"Strict-Transport-Security": "; ".join(parts)}
