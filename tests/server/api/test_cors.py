"""Which other sites' pages may read responses, and which hosts the server serves."""

import httpx
import pytest
from tests.support.servers.in_process_server import InProcessServer, StartServer

from rustygpt_shared.settings import Cors, Server, Settings

_OURS = "https://chat.example.org"
_FOREIGN = "https://evil.example.org"
_PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}


def _cors(*origins: str, credentials: bool = False) -> Settings:
    cors = Cors(allowed_origins=list(origins), allow_credentials=credentials)
    return Settings(server=Server(cors=cors))


async def test_without_origins_there_is_no_header(server: InProcessServer) -> None:
    """Off is the default: neither a response nor a preflight request gets a header."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        response = await client.get("/api/setup", headers={"Origin": _OURS})
        preflight = await client.options("/api/setup", headers={"Origin": _OURS, **_PREFLIGHT})

    assert preflight.status_code == 405
    for one in (response, preflight):
        assert not [name for name in one.headers if name.startswith("access-control")]
        assert "Origin" not in one.headers.get("vary", "")


async def test_pages_of_an_allowed_origin_may_read(start_server: StartServer) -> None:
    """Successes and errors, with the headers that clients need; other origins get nothing."""
    async with (
        start_server(settings=_cors(_OURS, credentials=True)) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        for path, status in (("/api/setup", 200), ("/api/auth/me", 401), ("/api/nothing", 404)):
            ours = await client.get(path, headers={"Origin": _OURS})
            foreign = await client.get(path, headers={"Origin": _FOREIGN})

            assert ours.status_code == foreign.status_code == status
            assert ours.headers["access-control-allow-origin"] == _OURS
            assert ours.headers["access-control-allow-credentials"] == "true"
            assert "x-request-id" in ours.headers["access-control-expose-headers"]
            assert "RateLimit-Remaining" in ours.headers["access-control-expose-headers"]
            assert "access-control-allow-origin" not in foreign.headers
            for response in (ours, foreign, await client.get(path)):
                assert "Origin" in response.headers["vary"]


@pytest.mark.parametrize("path", ["/api/setup", "/api/nothing", "/api/conversations"])
async def test_a_preflight_request_is_answered(start_server: StartServer, path: str) -> None:
    """Without a session, for every address; that of another origin is refused as without CORS."""
    async with (
        start_server(settings=_cors(_OURS)) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        ours = await client.options(path, headers={"Origin": _OURS, **_PREFLIGHT})
        foreign = await client.options(path, headers={"Origin": _FOREIGN, **_PREFLIGHT})
        plain = await client.options(path, headers={"Origin": _OURS})

    assert ours.status_code == 204
    assert "POST" in ours.headers["access-control-allow-methods"]
    assert "Authorization" in ours.headers["access-control-allow-headers"]
    assert "X-CSRF-TOKEN" in ours.headers["access-control-allow-headers"]
    assert ours.headers["access-control-max-age"] == "600"
    assert "access-control-allow-credentials" not in ours.headers
    assert foreign.status_code in (404, 405)
    assert "access-control-allow-origin" not in foreign.headers
    assert plain.status_code in (404, 405)


async def test_a_star_allows_all_without_credentials(start_server: StartServer) -> None:
    """Any page may read what anybody may read, or what its own token allows."""
    async with (
        start_server(settings=_cors("*")) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        response = await client.get("/api/setup", headers={"Origin": _FOREIGN})

    assert response.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in response.headers


async def test_two_origins_are_none(start_server: StartServer) -> None:
    """A browser sends one Origin header."""
    async with (
        start_server(settings=_cors(_OURS)) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        headers = [("Origin", _OURS), ("Origin", _FOREIGN)]
        response = await client.get("/api/setup", headers=headers)

    assert "access-control-allow-origin" not in response.headers


async def test_only_allowed_hosts_are_served(start_server: StartServer) -> None:
    """With or without port, whatever its case; probes are sent to the machine's address."""
    hosts = ["chat.example.org", "other.example.org:8443", "[::1]"]
    settings = Settings(server=Server(allowed_hosts=hosts, trusted_proxies=["127.0.0.1"]))
    statuses = {
        "chat.example.org": 200,
        "Chat.Example.ORG:8080": 200,
        "chat.example.org.": 200,
        "other.example.org:8443": 200,
        "[::1]:8080": 200,
        "other.example.org": 400,
        "chat.example.org.evil.example": 400,
        "evil.example": 400,
        "chat.example.org@evil.example": 400,
        "127.0.0.1": 400,
    }
    async with (
        start_server(settings=settings) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        for host, status in statuses.items():
            response = await client.get("/api/setup", headers={"Host": host})
            assert response.status_code == status, host
            forwarded = {"X-Forwarded-Host": host}
            assert (await client.get("/", headers=forwarded)).status_code == status, host
        problem = (await client.get("/api/setup")).json()
        assert problem["code"] == "RGP.BAD_REQUEST"
        assert "server.allowed_hosts" in problem["detail"]
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 200
        assert (await client.get("/metrics")).status_code == 400
