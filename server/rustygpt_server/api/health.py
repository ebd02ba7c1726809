"""Probes and metrics."""

from typing import Any

from sanic.response import HTTPResponse

from rustygpt_server.api.routing import NO_STORE, RequestContext, Response, RouteGroup

_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def make_area() -> RouteGroup:
    """The routes of health."""
    area = RouteGroup("health")

    @area.operation("GET", "/healthz", response=dict[str, str], access="all")
    async def healthz(call: RequestContext[None]) -> dict[str, str]:
        """Tell that the process lives; the database is not asked."""
        call.services.health.count("healthz", "ok")
        return {"status": "ok"}

    @area.operation("GET", "/readyz", response=dict[str, Any], access="all")
    async def readyz(call: RequestContext[None]) -> Response:
        """Tell whether the server can do its work, and what it lacks."""
        missing = await call.services.health.missing()
        call.services.health.count("readyz", "missing" if missing else "ok")
        if missing:
            return Response({"ready": False, "missing": missing}, status=503)
        return Response({"ready": True})

    @area.operation("GET", "/metrics", response="text/plain", access="all")
    async def metrics(call: RequestContext[None]) -> HTTPResponse:
        """Tell all metrics, as Prometheus reads them."""
        report = await call.services.health.report()
        return HTTPResponse(report, 200, dict(NO_STORE), content_type=_METRICS_TYPE)

    return area
