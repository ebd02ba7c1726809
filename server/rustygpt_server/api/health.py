"""Routes of the health probes and of the metrics."""

from typing import Any, Final

from sanic.response import HTTPResponse

from rustygpt_server.api.routing import NO_STORE, Operation, RequestContext, Response

_METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


async def healthz(context: RequestContext[None]) -> dict[str, str]:
    """Return that the process is alive; the database is not queried."""
    context.services.health.count("healthz", "ok")
    return {"status": "ok"}


async def readyz(context: RequestContext[None]) -> Response:
    """Return whether the server can serve requests, and what is missing."""
    missing = await context.services.health.missing()
    context.services.health.count("readyz", "missing" if missing else "ok")
    if missing:
        return Response({"ready": False, "missing": missing}, status=503)
    return Response({"ready": True})


async def metrics(context: RequestContext[None]) -> HTTPResponse:
    """Return all metrics in the Prometheus text format; `server.metrics_token` protects them."""
    context.auth.check_metrics_token(context.request)
    report = await context.services.health.report()
    return HTTPResponse(report, 200, dict(NO_STORE), content_type=_METRICS_TYPE)


OPERATIONS: Final = (
    Operation(
        method="GET", path="/healthz", handler=healthz, response=dict[str, str], access="public"
    ),
    Operation(
        method="GET", path="/readyz", handler=readyz, response=dict[str, Any], access="public"
    ),
    Operation(
        method="GET", path="/metrics", handler=metrics, response="text/plain", access="public"
    ),
)
