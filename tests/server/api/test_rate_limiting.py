"""Limits of requests: which are counted, for whom, and what responses say."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests.support.password import PASSWORD
from tests.support.servers.in_process_server import HttpUser, InProcessServer, StartServer

from rustygpt_shared.settings import Db, RateLimits, Server, Settings

_LIMITS = RateLimits(default_rps=1, burst=20, auth_login_per_ip_per_min=6)
_HEADERS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "X-RateLimit-Profile")


@pytest.fixture
async def limited(start_server: StartServer) -> AsyncIterator[InProcessServer]:
    """A server with low limits, whose clock stands still."""
    settings = Settings(rate_limits=_LIMITS, db=Db(max_connections=4))
    async with start_server(settings=settings) as server:
        yield server


def _headers(response: httpx.Response) -> list[str | None]:
    return [response.headers.get(name) for name in _HEADERS]


async def _get(user: HttpUser, path: str = "/api/auth/me") -> httpx.Response:
    return await user.client.get(path)


async def test_every_response_shows_the_state_of_its_limit(limited: InProcessServer) -> None:
    """Also an error; the reset is the time until all of the burst is available."""
    ann = await limited.person("ann")
    first = await _get(ann)
    missing = await _get(ann, "/api/messages/00000000-0000-7000-8000-000000000000")
    limited.clock.advance(1)
    later = await _get(ann)

    assert _headers(first) == ["20", "19", "1", "default"]
    assert (missing.status_code, _headers(missing)) == (404, ["20", "18", "2", "default"])
    assert _headers(later) == ["20", "18", "2", "default"]


async def test_a_request_beyond_the_limit_is_refused(limited: InProcessServer) -> None:
    """The problem and the headers say when to try again, and then the request is accepted."""
    ann, bob = await limited.person("ann"), await limited.person("bob")
    accepted = [await _get(ann) for _ in range(20)]
    refused = await _get(ann)

    assert {response.status_code for response in accepted} == {200}
    assert refused.status_code == 429
    assert _headers(refused) == ["20", "0", "20", "default"]
    names = ("Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining")
    assert [refused.headers[name] for name in names] == ["1", "20", "0"]
    problem = refused.json()
    assert refused.headers["content-type"] == "application/problem+json"
    assert (problem["code"], problem["retry_after_seconds"]) == ("RGP.RATE_LIMITED", 1)
    assert problem["detail"] == "Too many requests; try again in 1 second."
    assert (await _get(bob)).status_code == 200
    limited.clock.advance(1)
    assert [(await _get(ann)).status_code for _ in range(2)] == [200, 429]


async def test_refused_callers_count_for_their_address(limited: InProcessServer) -> None:
    """Requests without a session, or with a made-up one, are those of one address."""
    ann = await limited.person("ann")
    async with httpx.AsyncClient(base_url=limited.url) as client:
        remaining = int((await client.get("/api/users")).headers["RateLimit-Remaining"])
        cookies = {"Cookie": "SESSION_ID=made-up"}
        codes = [
            (await client.get("/api/auth/me", headers=cookies)).status_code
            for _ in range(remaining + 1)
        ]

    assert codes == [401] * remaining + [429]
    assert (await _get(ann)).status_code == 200


async def test_what_has_no_route_shows_the_state_without_being_counted(
    limited: InProcessServer,
) -> None:
    """An unknown address, and a method that an address does not take."""
    ann = await limited.person("ann")
    async with httpx.AsyncClient(base_url=limited.url) as client:
        responses = [await client.get("/api/none"), await client.put("/api/users")]
        counted = await client.get("/api/setup")

    assert [response.status_code for response in responses] == [404, 405]
    assert len({tuple(_headers(response)) for response in responses}) == 1
    before, after = (int(r.headers["RateLimit-Remaining"]) for r in (responses[0], counted))
    assert after == before - 1
    assert _headers(responses[0])[0] == _headers(await _get(ann))[0] == "20"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/", "/css/base.css", "/none"])
async def test_probes_and_files_are_not_limited(server: InProcessServer, path: str) -> None:
    """Their responses have no headers of limits."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        response = await client.get(path)

    assert _headers(response) == [None] * 4


async def test_limits_can_be_switched_off(start_server: StartServer) -> None:
    """Then nothing is counted, and no response has the headers."""
    settings = Settings(
        rate_limits=RateLimits(enabled=False, default_rps=1, burst=1, auth_login_per_ip_per_min=1),
        db=Db(max_connections=4),
    )
    async with start_server(settings=settings) as server:
        ann = await server.person("ann")
        responses = [await _get(ann) for _ in range(3)]
        conversation_id = await ann.conversation()
        posts = [await ann.try_root(conversation_id) for _ in range(3)]

    assert {response.status_code for response in responses} == {200}
    assert {response.status_code for response in posts} == {201}
    assert _headers(responses[0]) == _headers(posts[0]) == [None] * 4


async def _log_in(server: InProcessServer, name: str, password: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=server.url) as client:
        return await client.post("/api/auth/login", json={"email": name, "password": password})


async def test_logins_are_limited_before_the_password_is_checked(
    limited: InProcessServer,
) -> None:
    """A right password is refused as well, for a known account and for an unknown one alike."""
    await limited.person("ann")
    for _ in range(4):
        refused = await _log_in(limited, "ann", "a wrong password")
        assert refused.status_code == 401
        assert refused.headers["X-RateLimit-Profile"] == "auth.login"
    known = await _log_in(limited, "ann", PASSWORD)
    unknown = await _log_in(limited, "eve", PASSWORD)

    assert (known.status_code, unknown.status_code) == (429, 429)
    assert known.json()["detail"] == "Too many logins; try again in 10 seconds."
    assert _headers(known) == _headers(unknown)
    limited.clock.advance(10)
    assert (await _log_in(limited, "ann", PASSWORD)).status_code == 200
    assert (await _log_in(limited, "ann", PASSWORD)).status_code == 429


async def _set_posting(server: InProcessServer, rate: float, burst: int) -> None:
    admin = await server.person("admin")
    profiles = await admin.get("/api/admin/limits/profiles")
    [profile_id] = [profile["id"] for profile in profiles if profile["name"] == "conversation.post"]
    params = {"requests_per_second": rate, "burst": burst}
    await admin.call("PUT", f"/api/admin/limits/profiles/{profile_id}", {"params": params})


async def test_posts_are_limited_by_conversation(server: InProcessServer) -> None:
    """Roots and replies count together; the same key may be sent again after the wait."""
    ann = await server.person("ann")
    await _set_posting(server, 5, 2)
    conversation_id, other = await ann.conversation(), await ann.conversation()
    root = await ann.root(conversation_id)
    body, key = {"content": "x"}, {"Idempotency_Key": "one"}
    first = await ann.call("POST", f"/api/messages/{root}/reply", body, expect=201)
    refused = await ann.call("POST", f"/api/messages/{root}/reply", body, expect=429, **key)

    assert _headers(first) == ["2", "0", "1", "conversation.post"]
    assert _headers(refused) == ["2", "0", "1", "conversation.post"]
    assert refused.json()["detail"] == "Too many messages; try again in 1 second."
    await ann.root(other)
    server.clock.advance(1)
    await ann.call("POST", f"/api/messages/{root}/reply", body, expect=201, **key)
    tree = await ann.get(f"/api/threads/{root}/tree")
    assert len(tree["messages"]) == 3


async def test_a_user_has_one_limit_at_all_addresses(limited: InProcessServer) -> None:
    """A second session of the same user counts for the same limit."""
    ann = await limited.person("ann")
    again = await limited.sign_in("ann")
    first, second = await _get(ann), await _get(again)

    assert (_headers(first)[1], _headers(second)[1]) == ("19", "18")


async def test_requests_are_counted_in_the_metrics(limited: InProcessServer) -> None:
    """By the profile that admitted or refused them."""
    ann = await limited.person("ann")
    for _ in range(21):
        await _get(ann)
    async with httpx.AsyncClient(base_url=limited.url) as client:
        metrics = (await client.get("/metrics")).text

    def value(series: str) -> float:
        [line] = [line for line in metrics.splitlines() if line.startswith(f"{series} ")]
        return float(line.rpartition(" ")[2])

    name = "http_rate_limit_requests_total"
    assert value(f'{name}{{profile="default",result="refused"}}') == 1
    assert value(f'{name}{{profile="default",result="accepted"}}') >= 20
    assert value("rustygpt_limits_profiles") == 3
    assert value("rustygpt_limits_assignments") == 7


async def test_an_ipv6_client_is_its_network_of_64_bits(start_server: StartServer) -> None:
    """An address of the same network is the same client, and the next network another one."""
    settings = Settings(
        rate_limits=_LIMITS,
        server=Server(trusted_proxies=["127.0.0.1"]),
        db=Db(max_connections=4),
    )
    remaining: list[Any] = []
    async with (
        start_server(settings=settings) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        for address in ("2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1", "192.0.2.1"):
            response = await client.get("/api/setup", headers={"X-Forwarded-For": address})
            remaining.append(response.headers["RateLimit-Remaining"])

    assert remaining == ["19", "18", "19", "19"]


async def test_registrations_of_an_address_are_limited(limited: InProcessServer) -> None:
    """As logins are, before anything is looked up; other routes of the address are not."""
    await limited.person("admin")
    async with httpx.AsyncClient(base_url=limited.url) as client:
        body = {"username": "ann", "email": "ann@example.org", "password": PASSWORD}
        statuses = [
            (await client.post("/api/auth/register", json=body)).status_code for _ in range(7)
        ]
        setup = await client.get("/api/setup")

    assert statuses == [403] * 6 + [429]
    assert setup.status_code == 200
