"""Probes and metrics."""

import asyncio
import time

import httpx
from tests.support.servers.in_process_server import InProcessServer


async def _metrics(api: InProcessServer) -> str:
    async with httpx.AsyncClient(base_url=api.url) as client:
        return (await client.get("/metrics")).text


async def test_a_server_that_works_is_ready(server: InProcessServer) -> None:
    """Both probes are counted."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        ready = await client.get("/readyz")
        head = await client.head("/healthz")

    assert (ready.status_code, ready.json()) == (200, {"ready": True})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == "15"
    metrics = await _metrics(server)
    assert 'health_checks_total{endpoint="readyz",status="ok"} 1.0' in metrics


async def test_without_a_database_a_server_lives_and_is_not_ready(server: InProcessServer) -> None:
    """It says so in words, and at once; what needs the database is 503 with Retry-After."""
    ann = await server.person("ann")
    await server.components.services.health._db.close()
    started = time.monotonic()
    ready = await ann.client.get("/readyz")
    asked = await ann.client.get("/api/auth/me")

    assert time.monotonic() - started < 4
    assert ready.status_code == 503
    assert ready.json() == {"ready": False, "missing": ["the database does not answer"]}
    assert (await ann.client.get("/healthz")).status_code == 200
    assert asked.status_code == 503
    assert asked.headers["retry-after"] == "2"
    assert asked.json()["code"] == "RGP.UNAVAILABLE"
    assert asked.json()["retry_after_seconds"] == 2


async def test_a_database_that_hangs_does_not_hang_the_probe(server: InProcessServer) -> None:
    """All connections at work: the probe gives up before its own caller does."""
    db = server.components.services.health._db
    busy = [asyncio.create_task(db.fetch_value("SELECT pg_sleep(4)")) for _ in range(db.size)]
    await asyncio.sleep(0.05)
    async with httpx.AsyncClient(base_url=server.url, timeout=3) as client:
        ready = await client.get("/readyz")
    for task in busy:
        task.cancel()
    await asyncio.gather(*busy, return_exceptions=True)

    assert ready.status_code == 503


async def test_metrics_name_routes_and_never_ids(server: InProcessServer) -> None:
    """Whatever strangers ask for makes no new label."""
    ann = await server.person("ann")
    room = await ann.conversation()
    async with httpx.AsyncClient(base_url=server.url) as client:
        for number in range(5):
            await client.request(f"MADE{number}UP", "/healthz")
            await client.get(f"/nothing/{number}")
            await client.get(f"/api/nothing/{number}")
    metrics = await _metrics(server)

    assert 'route="/api/threads/{conversation_id}/root"' not in metrics
    await ann.root(room)
    assert 'route="/api/threads/{conversation_id}/root"' in await _metrics(server)
    assert room not in metrics
    assert "MADE" not in metrics
    assert "nothing" not in metrics
    assert 'method="other"' in metrics


async def test_the_named_numbers_are_there(server: InProcessServer) -> None:
    """Those that dashboards stand on."""
    ann = await server.person("ann")
    room = await ann.conversation()
    async with ann.follow(room) as stream:
        await stream.next("stream.open")
        metrics = await _metrics(server)
    named = (
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

    assert [name for name in named if name not in metrics] == []
