"""Three processes on one database limit as one."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.database import databases
from tests.support.servers.clusters import ProcessCluster, process_cluster, same_session_at
from tests.support.servers.in_process_server import HttpUser, RunningServer

pytestmark = pytest.mark.slow

_PROFILES = "/api/admin/limits/profiles"
_ACCEPTED = 20
_ATTEMPTS = 1_000
_CALLERS_PER_PROCESS = 4
"""Fewer than the passwords of one address that a process checks at once."""


@pytest.fixture
async def database(cluster_url: str) -> AsyncIterator[str]:
    """A new database that the processes share."""
    url = await databases.create(cluster_url)
    yield url
    await databases.drop(cluster_url, url)


async def _set(admin: HttpUser, name: str, requests_per_second: float, burst: int) -> None:
    profiles = await admin.get(_PROFILES)
    [profile_id] = [profile["id"] for profile in profiles if profile["name"] == name]
    params = {"requests_per_second": requests_per_second, "burst": burst}
    await admin.call("PUT", f"{_PROFILES}/{profile_id}", {"params": params})


async def _until_in_force(cluster: ProcessCluster, path: str, burst: int) -> None:
    """Wait until the responses of all processes show the burst of a limit."""
    async with asyncio.timeout(30):
        for url in cluster.urls:
            async with httpx.AsyncClient(base_url=url) as client:
                while (await client.post(path, json={})).headers["RateLimit-Limit"] != str(burst):
                    await asyncio.sleep(0.05)


async def _attempts(url: str, numbers: "asyncio.Queue[int]") -> Counter[int]:
    """Log in with wrong passwords while there are numbers; return the statuses."""
    statuses: Counter[int] = Counter()
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        while not numbers.empty():
            body = {"email": f"name {numbers.get_nowait()}", "password": "wrong password"}
            statuses[(await client.post("/api/auth/login", json=body)).status_code] += 1
    return statuses


async def _posts(person: HttpUser, conversation_id: str, count: int) -> Counter[int]:
    statuses: Counter[int] = Counter()
    for _ in range(count):
        statuses[(await person.try_root(conversation_id)).status_code] += 1
    return statuses


def _total(counters: list[Counter[int]]) -> dict[int, int]:
    return dict(sum(counters, Counter()))


async def test_three_processes_limit_as_one(tmp_path: Path, database: str) -> None:
    """A limit lowered at one holds at the others, and of many requests the exact number passes."""
    environ: dict[str, Any] = {
        "RUSTYGPT__RATE_LIMITS__ENABLED": "true",
        "RUSTYGPT__RATE_LIMITS__AUTH_LOGIN_PER_IP_PER_MIN": "100000",
        "RUSTYGPT__RATE_LIMITS__DEFAULT_RPS": "10000",
        "RUSTYGPT__RATE_LIMITS__BURST": "100000",
        "RUSTYGPT_PROFILE": "test",
    }
    async with process_cluster(tmp_path, database, 3, **environ) as cluster:
        first = RunningServer(cluster.urls[0])
        admin = await first.person("admin")
        everywhere = [same_session_at(url, admin) for url in cluster.urls]
        conversation_id = await admin.conversation()

        await _set(admin, "conversation.post", 1e-5, 15)
        await _set(admin, "auth.login", 1e-5, _ACCEPTED)
        await _set(admin, "default", 9_000, 90_000)
        await _until_in_force(cluster, "/api/setup", 90_000)
        posts = await asyncio.gather(
            *(_posts(person, conversation_id, 20) for person in everywhere)
        )
        assert _total(posts) == {201: 15, 429: 45}

        numbers: asyncio.Queue[int] = asyncio.Queue()
        for number in range(_ATTEMPTS):
            numbers.put_nowait(number)
        logins = await asyncio.gather(
            *(_attempts(url, numbers) for url in cluster.urls for _ in range(_CALLERS_PER_PROCESS))
        )
        # The administrator's own login was counted with the rate before, which left no trace.
        assert _total(logins) == {401: _ACCEPTED, 429: _ATTEMPTS - _ACCEPTED}

        await _set(admin, "default", 1e-5, 3)
        await _until_in_force(cluster, "/api/setup", 3)
        for person in everywhere:
            responses = [await person.client.get("/api/auth/me") for _ in range(5)]
            assert responses[-1].status_code == 429
            await person.client.aclose()
        await first.close()
