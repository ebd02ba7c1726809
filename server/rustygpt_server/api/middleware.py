"""Middleware for every request and response: request id, headers, cookies, log line, metrics."""

from typing import Any

import structlog
from sanic import Sanic
from sanic.request import Request
from sanic.response import BaseHTTPResponse, HTTPResponse

from rustygpt_server.api import request_parsing
from rustygpt_server.api.authentication import Authenticator
from rustygpt_server.api.problems import problem_response
from rustygpt_server.api.routing import template
from rustygpt_server.runtime import Runtime
from rustygpt_server.telemetry import log
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
_UNLOGGED_ROUTES = frozenset({"/healthz", "/readyz", "/metrics"})


class RequestMiddleware:
    """Adds to every request and response of an application what all of them have."""

    def __init__(self, settings: Settings, auth: Authenticator, runtime: Runtime) -> None:
        self._header = settings.server.request_id_header
        self._hsts = _hsts(settings.security.hsts)
        self._auth = auth
        self._clock = runtime.clock
        self._metrics = runtime.metrics

    def install(self, app: Sanic[Any, Any]) -> None:
        """Register the middleware and the error handler with an application."""
        app.register_middleware(self._begin, "request")
        app.register_middleware(self._finish, "response")
        app.error_handler.add(Exception, self._fail)

    async def _begin(self, request: Request) -> None:
        self._identify(request)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request.ctx.request_id)

    def _identify(self, request: Request) -> None:
        unix_ms = int(self._clock.now().timestamp() * 1000)
        request.ctx.request_id = request_parsing.request_id(request, self._header, unix_ms)
        request.ctx.started = self._clock.monotonic()

    def _fail(self, request: Request, error: Exception) -> HTTPResponse:
        if not hasattr(request.ctx, "request_id"):
            self._identify(request)
        return problem_response(request, error)

    async def _finish(self, request: Request, response: BaseHTTPResponse) -> None:
        if not hasattr(request.ctx, "request_id"):
            self._identify(request)
        headers = response.headers
        for name, value in {**_SECURITY, **self._hsts}.items():
            headers.setdefault(name, value)
        headers[self._header] = request.ctx.request_id
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
        if route not in _UNLOGGED_ROUTES:
            _log.info(
                "request",
                method=method,
                route=route,
                status=response.status,
                ms=round(seconds * 1000, 1),
            )


def _hsts(settings: Hsts) -> dict[str, str]:
    if not settings.enabled:
        return {}
    parts = [f"max-age={settings.max_age_seconds}"]
    parts += ["includeSubDomains"] if settings.include_subdomains else []
    parts += ["preload"] if settings.preload else []
    return {"Strict-Transport-Security": "; ".join(parts)}
