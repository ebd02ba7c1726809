"""Probes and metrics."""

from typing import Any

from sanic.response import HTTPResponse

from rustygpt_server.api.http import NO_STORE, Answer, Area, Call

_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def make_area() -> Area:
    """The routes of health."""
    area = Area("health")

    @area.operation("GET", "/healthz", answer=dict[str, str], access="all")
    async def healthz(call: Call[None]) -> dict[str, str]:
        """Tell that the process lives; the database is not asked."""
        call.services.health.count("healthz", "ok")
        return {"status": "ok"}

    @area.operation("GET", "/readyz", answer=dict[str, Any], access="all")
    async def readyz(call: Call[None]) -> Answer:
        """Tell whether the server can do its work, and what it lacks."""
        missing = await call.services.health.missing()
        call.services.health.count("readyz", "missing" if missing else "ok")
        if missing:
            return Answer({"ready": False, "missing": missing}, status=503)
        return Answer({"ready": True})

    @area.operation("GET", "/metrics", answer="text/plain", access="all")
    async def metrics(call: Call[None]) -> HTTPResponse:
        """Tell all metrics, as Prometheus reads them."""
        report = await call.services.health.report()
        return HTTPResponse(report, 200, dict(NO_STORE), content_type=_METRICS_TYPE)

    return area
