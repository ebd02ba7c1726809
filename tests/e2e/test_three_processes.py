"""Three processes on one database act as one: what is revoked, and limits."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio
from tests.support.database import databases
from tests.support.servers.clusters import ProcessCluster, process_cluster, same_session_at
from tests.support.servers.in_process_server import HttpUser, RunningServer, SseStream

pytestmark = [
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.xdist_group("three processes"),
]

_PROFILES = "/api/admin/limits/profiles"
_REVOKED_SECONDS = 2
"""How long after it was revoked a right may be used at most."""
_ACCEPTED = 20
_ATTEMPTS = 1_000
_CALLERS_PER_PROCESS = 4
"""Fewer than the passwords of one address that a process checks at once."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(
    cluster_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ProcessCluster]:
    """Three server processes on a new database; each is limited beyond what a test reaches."""
    environ: dict[str, Any] = {
        "RUSTYGPT__RATE_LIMITS__ENABLED": "true",
        "RUSTYGPT__RATE_LIMITS__AUTH_LOGIN_PER_IP_PER_MIN": "100000",
        "RUSTYGPT__RATE_LIMITS__DEFAULT_RPS": "10000",
        "RUSTYGPT__RATE_LIMITS__BURST": "100000",
        "RUSTYGPT_PROFILE": "test",
    }
    url = await databases.create(cluster_url)
    async with process_cluster(tmp_path_factory.mktemp("three"), url, 3, **environ) as running:
        yield running
    await databases.drop(cluster_url, url)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def first(cluster: ProcessCluster) -> AsyncIterator[RunningServer]:
    """The users of the first process."""
    server = RunningServer(cluster.urls[0])
    await server.person("admin")
    yield server
    await server.close()


@asynccontextmanager
async def _following(
    people: list[HttpUser], conversation_id: str
) -> AsyncIterator[list[SseStream]]:
    """Open the conversation's stream for each of these clients."""
    async with AsyncExitStack() as stack:
        streams = []
        for person in people:
            stack.push_async_callback(person.client.aclose)
            streams.append(await stack.enter_async_context(person.follow(conversation_id)))
            await streams[-1].next("stream.open")
        yield streams


async def _seconds_until_closed(
    change: Awaitable[Any], streams: list[SseStream], reason: str
) -> float:
    """Return how long after a request begins the last of the streams has ended."""
    started = time.monotonic()
    await change
    ends = await asyncio.gather(*(stream.next("stream.closed") for stream in streams))
    seconds = time.monotonic() - started
    assert [end["payload"] for end in ends] == [{"reason": reason}] * len(streams)
    return seconds


async def test_what_is_revoked_at_one_ends_streams_at_the_others(
    cluster: ProcessCluster, first: RunningServer
) -> None:
    """A token and a session, within two seconds; the streams of others continue."""
    admin, others = first.people["admin"], cluster.urls[1:]
    conversation_id = await admin.conversation()
    token = await admin.create_token("read")
    [token_id] = [one["id"] for one in (await admin.get("/api/auth/tokens"))["tokens"]]
    session = await first.sign_in("admin")
    sessions = (await session.get("/api/auth/sessions"))["sessions"]
    [session_id] = [one["id"] for one in sessions if one.get("current")]
    async with (
        _following([_with_token(url, token, admin) for url in others], conversation_id) as programs,
        _following([same_session_at(url, session) for url in others], conversation_id) as people,
        _following([same_session_at(url, admin) for url in others], conversation_id) as staying,
    ):
        revoked = admin.call("DELETE", f"/api/auth/tokens/{token_id}", expect=204)
        assert await _seconds_until_closed(revoked, programs, "session_ended") <= _REVOKED_SECONDS
        ended = admin.call("DELETE", f"/api/auth/sessions/{session_id}", expect=204)
        assert await _seconds_until_closed(ended, people, "session_ended") <= _REVOKED_SECONDS
        root = await admin.root(conversation_id)
        for stream in staying:
            posted = await stream.next("message.new")
            assert posted["payload"]["message"]["id"] == root


def _with_token(url: str, token: str, owner: HttpUser) -> HttpUser:
    return RunningServer(url).token_user(token, owner)


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


async def test_three_processes_limit_as_one(cluster: ProcessCluster, first: RunningServer) -> None:
    """A limit lowered at one holds at the others, and of many requests the exact number passes."""
    admin = first.people["admin"]
    everywhere = [same_session_at(url, admin) for url in cluster.urls]
    conversation_id = await admin.conversation()

    await _set(admin, "conversation.post", 1e-5, 15)
    await _set(admin, "auth.login", 1e-5, _ACCEPTED)
    await _set(admin, "default", 9_000, 90_000)
    await _until_in_force(cluster, "/api/setup", 90_000)
    posts = await asyncio.gather(*(_posts(person, conversation_id, 20) for person in everywhere))
    assert _total(posts) == {201: 15, 429: 45}

    numbers: asyncio.Queue[int] = asyncio.Queue()
    for number in range(_ATTEMPTS):
        numbers.put_nowait(number)
    logins = await asyncio.gather(
        *(_attempts(url, numbers) for url in cluster.urls for _ in range(_CALLERS_PER_PROCESS))
    )
    # The administrator's own logins were counted with the rate before, which left no trace.
    assert _total(logins) == {401: _ACCEPTED, 429: _ATTEMPTS - _ACCEPTED}

    await _set(admin, "default", 1e-5, 3)
    await _until_in_force(cluster, "/api/setup", 3)
    for person in everywhere:
        responses = [await person.client.get("/api/auth/me") for _ in range(5)]
        assert responses[-1].status_code == 429
        await person.client.aclose()
