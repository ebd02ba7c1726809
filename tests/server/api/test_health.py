"""Health probes and metrics."""

import asyncio
import time
from typing import Any

import httpx
from tests.support.database.failing_procedures import DISK_FULL, failing_procedure
from tests.support.servers.in_process_server import InProcessServer, StartServer
from tests.support.wait import until

from rustygpt_shared.settings import Server, Settings


async def _metrics(server: InProcessServer) -> str:
    async with httpx.AsyncClient(base_url=server.url) as client:
        return (await client.get("/metrics")).text


async def test_a_working_server_is_ready(server: InProcessServer) -> None:
    """Both probes return 200, and their requests are counted."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        ready = await client.get("/readyz")
        head = await client.head("/healthz")

    assert (ready.status_code, ready.json()) == (200, {"ready": True})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == "15"
    metrics = await _metrics(server)
    assert 'health_checks_total{endpoint="readyz",status="ok"} 1.0' in metrics


async def test_without_a_database_a_server_is_alive_but_not_ready(server: InProcessServer) -> None:
    """The probe names the reason at once; requests for data return 503 with Retry-After."""
    ann = await server.person("ann")
    await server.components.services.health._db.close()
    started = time.monotonic()
    ready = await ann.client.get("/readyz")
    response = await ann.client.get("/api/auth/me")

    assert time.monotonic() - started < 60
    assert ready.status_code == 503
    assert ready.json() == {"ready": False, "missing": ["the database does not answer"]}
    assert (await ann.client.get("/healthz")).status_code == 200
    assert response.status_code == 503
    assert response.headers["retry-after"] == "2"
    assert response.json()["code"] == "RGP.UNAVAILABLE"
    assert response.json()["retry_after_seconds"] == 2


async def test_a_full_disk_is_named(server: InProcessServer, superuser: Any) -> None:
    """The probe says that space is missing, and posts say what to do, not to try again soon."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    async with (
        failing_procedure(superuser, "check_disk_space", DISK_FULL),
        failing_procedure(superuser, "post_message", DISK_FULL),
    ):
        ready = await ann.client.get("/readyz")
        refused = await ann.try_root(conversation_id)
        alive = await ann.client.get("/healthz")
    cached = await ann.client.get("/readyz")
    server.clock.advance(5)
    after = await ann.client.get("/readyz")

    assert (ready.status_code, cached.status_code, alive.status_code) == (503, 503, 200)
    assert ready.json() == {"ready": False, "missing": ["space on the disk of the database"]}
    assert refused.status_code == 503
    assert refused.json()["detail"] == (
        "The disk of the database is full, and nothing was stored; free space there, "
        "then try again."
    )
    assert after.json() == {"ready": True}


async def test_a_hanging_database_does_not_block_the_probe(server: InProcessServer) -> None:
    """While all connections are busy, the probe returns before the timeout of its caller."""
    db = server.components.services.health._db
    busy = [asyncio.create_task(db.fetch_value("SELECT pg_sleep(4)")) for _ in range(db.size)]
    await until(lambda: db.in_use == db.size)
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        ready = await client.get("/readyz")
    still_busy = not any(task.done() for task in busy)
    for task in busy:
        task.cancel()
    await asyncio.gather(*busy, return_exceptions=True)

    assert ready.status_code == 503
    assert still_busy


async def test_metric_labels_are_routes_without_ids(server: InProcessServer) -> None:
    """Requests for unknown paths and methods create no new labels."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    async with httpx.AsyncClient(base_url=server.url) as client:
        for number in range(5):
            await client.request(f"MADE{number}UP", "/healthz")
            await client.get(f"/nothing/{number}")
            await client.get(f"/api/nothing/{number}")
    metrics = await _metrics(server)

    assert 'route="/api/threads/{conversation_id}/root"' not in metrics
    await ann.root(conversation_id)
    assert 'route="/api/threads/{conversation_id}/root"' in await _metrics(server)
    assert conversation_id not in metrics
    assert "MADE" not in metrics
    assert "nothing" not in metrics
    assert 'method="other"' in metrics


async def test_the_documented_metrics_exist(server: InProcessServer) -> None:
    """The metrics that dashboards use are exported."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    async with ann.follow(conversation_id) as stream:
        await stream.next("stream.open")
        metrics = await _metrics(server)
    names = (
        "http_request_duration_seconds_bucket",
        "db_pool_max_connections 4.0",
        "db_pool_in_use",
        'rustygpt_auth_logins_total{result="accepted"}',
        "rustygpt_auth_active_sessions",
        "rustygpt_sse_connections 1.0",
        "rustygpt_sse_deliveries_total",
        "rustygpt_sse_replay_duration_seconds_bucket",
        "rustygpt_stream_cancels_total",
    )

    assert [name for name in names if name not in metrics] == []


async def test_metrics_may_require_a_token(start_server: StartServer) -> None:
    """Without `server.metrics_token` everyone may read them; with it only who sends it."""
    settings = Settings(server=Server(metrics_token="s3cret-é"))
    wrong = [(), ("Bearer",), ("Bearer s3cret",), ("Basic s3cret-é",), ("Bearer s3cret-é",) * 2]
    async with (
        start_server(settings=settings) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        for values in wrong:
            headers = [("Authorization", value.encode()) for value in values]
            response = await client.get("/metrics", headers=headers)
            assert response.status_code == 401, values
            assert response.headers["www-authenticate"] == "Bearer"
        headers = [("Authorization", "Bearer s3cret-é".encode())]
        assert "http_requests_total" in (await client.get("/metrics", headers=headers)).text
