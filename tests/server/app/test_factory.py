"""The routes that the feature flags enable."""

import httpx
import pytest
from tests.support.servers.in_process_server import StartServer

from rustygpt_server.app.factory import route_groups
from rustygpt_shared.settings import Db, Features, Llm, Settings


def _paths(features: Features) -> set[str]:
    """Return the path templates of the routes that the flags enable."""
    return {
        operation.template
        for group in route_groups(Settings(features=features))
        for operation in group.operations
    }


def test_each_flag_enables_its_routes() -> None:
    """Without auth_v1 the probes, the documents and the well-known files remain."""
    everything = _paths(Features())

    assert _paths(Features(auth_v1=False)) == {
        *("/healthz", "/readyz", "/metrics"),
        *("/openapi.json", "/openapi.yaml", "/docs", "/docs/{name}"),
        "/.well-known/{path}",
    }
    assert everything - _paths(Features(well_known=False)) == {"/.well-known/{path}"}
    assert everything - _paths(Features(sse_v1=False)) == {
        "/api/stream",
        "/api/stream/conversations/{conversation_id}",
    }


def test_no_route_is_declared_twice() -> None:
    """Each pair of method and path belongs to one operation."""
    declared = [(o.method, o.path) for group in route_groups(Settings()) for o in group.operations]

    assert len(declared) == len(set(declared))


@pytest.mark.parametrize("path", ["/api/auth/me", "/api/setup", "/api/conversations"])
async def test_a_disabled_route_is_404(start_server: StartServer, path: str) -> None:
    """It is a 404 problem, also for a client that accepts HTML; the page is still served."""
    settings = Settings(
        features=Features(auth_v1=False), llm=Llm(default_model="demo"), db=Db(max_connections=4)
    )
    async with (
        start_server(settings=settings) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        response = await client.get(path, headers={"Accept": "text/html"})
        page = await client.get("/", headers={"Accept": "text/html"})

    assert response.status_code == 404
    assert response.json()["code"] == "RGP.NOT_FOUND"
    assert page.status_code == 200
