"""Which routes there are, by the feature flags."""

import httpx
import pytest
from tests.support.servers.in_process_server import StartServer

from rustygpt_server.app.factory import route_groups
from rustygpt_shared.settings import Db, Features, Llm, Settings


def _paths(features: Features) -> set[str]:
    return {one.path for area in route_groups(features) for one in area.operations}


def test_flags_switch_whole_areas() -> None:
    """Without sessions there remain the probes; without streams, all but streams."""
    everything = _paths(Features())

    assert _paths(Features(auth_v1=False)) == {"/healthz", "/readyz", "/metrics"}
    assert everything - _paths(Features(sse_v1=False)) == {
        "/api/stream",
        "/api/stream/conversations/{conversation_id}",
    }


def test_no_route_is_declared_twice() -> None:
    """One method and path, one operation."""
    declared = [(o.method, o.path) for area in route_groups(Features()) for o in area.operations]

    assert len(declared) == len(set(declared))


@pytest.mark.parametrize("path", ["/api/auth/me", "/api/setup", "/api/conversations"])
async def test_what_is_switched_off_is_not_there(start_server: StartServer, path: str) -> None:
    """404 as a problem, also for who wants HTML; the page stays."""
    settings = Settings(
        features=Features(auth_v1=False), llm=Llm(default_model="demo"), db=Db(max_connections=4)
    )
    async with (
        start_server(settings=settings) as api,
        httpx.AsyncClient(base_url=api.url) as client,
    ):
        answer = await client.get(path, headers={"Accept": "text/html"})
        page = await client.get("/", headers={"Accept": "text/html"})

    assert answer.status_code == 404
    assert answer.json()["code"] == "RGP.NOT_FOUND"
    assert page.status_code == 200
