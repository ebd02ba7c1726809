"""Administration of profiles and assignments of rate limits."""

from typing import Any
from uuid import UUID

import pytest
from tests.support.database.failing_procedures import failing_procedure
from tests.support.servers.in_process_server import HttpUser, InProcessServer, StartServer
from tests.support.servers.two_servers import two_servers
from tests.support.wait import until

from rustygpt_server.clock import TimeLimits
from rustygpt_server.db import rate_limits
from rustygpt_shared import requests
from rustygpt_shared.settings import Db, RateLimits, Settings

_PROFILES = "/api/admin/limits/profiles"
_ASSIGNMENTS = "/api/admin/limits/assignments"
_SLOW = {"requests_per_second": 0.001, "burst": 2}


async def _profile(admin: HttpUser, name: str = "slow", **fields: Any) -> dict[str, Any]:
    body = {"name": name, "params": _SLOW, **fields}
    created: dict[str, Any] = await admin.post(_PROFILES, body, expect=201)
    return created


async def _assign(admin: HttpUser, profile: dict[str, Any], method: str, path: str) -> Any:
    body = {"profile_id": profile["id"], "method": method, "path": path}
    return await admin.post(_ASSIGNMENTS, body, expect=201)


async def _named(admin: HttpUser, name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = await admin.get(_PROFILES)
    return next(profile for profile in found if profile["name"] == name)


async def _shown_profile(user: HttpUser, path: str) -> str:
    return str((await user.client.get(path)).headers["X-RateLimit-Profile"])


async def test_the_server_comes_with_three_profiles(start_server: StartServer) -> None:
    """Two of them have the rates of the settings."""
    limits = RateLimits(default_rps=7, burst=70, auth_login_per_ip_per_min=30)
    settings = Settings(rate_limits=limits, db=Db(max_connections=4))
    async with start_server(settings=settings) as server:
        admin = await server.person("admin")
        profiles = {profile["name"]: profile for profile in await admin.get(_PROFILES)}
        assignments = await admin.get(_ASSIGNMENTS)

    assert set(profiles) == {"default", "auth.login", "conversation.post"}
    assert profiles["default"]["params"] == {"requests_per_second": 7, "burst": 70}
    assert profiles["auth.login"]["params"] == {"requests_per_second": 0.5, "burst": 30}
    assert {(a["profile_name"], a["method"], a["path_pattern"]) for a in assignments} == {
        ("auth.login", "POST", "/api/auth/login"),
        ("auth.login", "POST", "/api/auth/password"),
        ("auth.login", "POST", "/api/auth/register"),
        ("conversation.post", "POST", "/api/threads/{conversation_id}/root"),
        ("conversation.post", "POST", "/api/messages/{parent_id}/reply"),
        ("conversation.post", "POST", "/api/messages/{message_id}/regenerate"),
        ("conversation.post", "POST", "/api/messages/{message_id}/edit"),
    }


async def test_a_profile_limits_the_routes_that_it_is_assigned_to(server: InProcessServer) -> None:
    """From the response on; deleting the assignment ends that."""
    admin, ann = await server.person("admin"), await server.person("ann")
    profile = await _profile(admin, description="a test")
    assignment = await _assign(admin, profile, "GET", "/api/conversations/*")
    path = f"/api/conversations/{await ann.conversation()}"
    codes = [(await ann.client.get(path)).status_code for _ in range(3)]

    assert (profile["algorithm"], profile["description"]) == ("gcra", "a test")
    assert profile["params"] == _SLOW
    assert assignment["path_pattern"] == "/api/conversations/*"
    assert codes == [200, 200, 429]
    assert await _shown_profile(ann, "/api/conversations") == "default"
    assert (await ann.client.get("/api/users")).status_code == 200
    await admin.call("DELETE", f"{_ASSIGNMENTS}/{assignment['id']}", expect=204)
    assert (await ann.client.get(path)).status_code == 200


async def test_an_assignment_replaces_that_of_the_same_routes(server: InProcessServer) -> None:
    """However its parameters are named and written; others stay."""
    admin = await server.person("admin")
    slow, slower = await _profile(admin), await _profile(admin, "slower")
    first = await _assign(admin, slow, "GET", "/api/messages/{message_id}")
    again = await _assign(admin, slower, "GET", "/api/messages/:id")
    other = await _assign(admin, slow, "*", "/api/messages/:id")
    found = [a for a in await admin.get(_ASSIGNMENTS) if a["profile_name"].startswith("slow")]

    assert (again["id"], again["profile_name"]) == (first["id"], "slower")
    assert sorted((a["id"], a["profile_name"]) for a in found) == sorted(
        [(first["id"], "slower"), (other["id"], "slow")]
    )


async def test_a_changed_profile_is_in_force_at_once(server: InProcessServer) -> None:
    """The description stays, or is removed with null; a changed rate overrides the setting."""
    admin, ann = await server.person("admin"), await server.person("ann")
    default = await _named(admin, "default")
    path = f"{_PROFILES}/{default['id']}"
    changed = (await admin.call("PUT", path, {"params": _SLOW})).json()
    response = await ann.client.get("/api/auth/me")

    assert (changed["params"], changed["description"]) == (_SLOW, default["description"])
    assert response.headers["RateLimit-Limit"] == "2"
    restored = (await admin.call("PUT", path, {"params": None, "description": None})).json()
    assert restored["params"] == default["params"]
    assert "description" not in restored


async def test_what_is_needed_cannot_be_deleted(server: InProcessServer) -> None:
    """A profile that is assigned, or that the server itself names, is 409."""
    admin = await server.person("admin")
    profile = await _profile(admin)
    assignment = await _assign(admin, profile, "GET", "/api/users")
    path = f"{_PROFILES}/{profile['id']}"
    await admin.call("DELETE", path, expect=409)
    await admin.call("DELETE", f"{_ASSIGNMENTS}/{assignment['id']}", expect=204)
    await admin.call("DELETE", path, expect=204)
    await admin.call("DELETE", path, expect=404)
    for name in ("default", "auth.login", "conversation.post"):
        needed = await _named(admin, name)
        await admin.call("DELETE", f"{_PROFILES}/{needed['id']}", expect=409)


async def test_a_name_is_taken_once(server: InProcessServer) -> None:
    """A second profile with it is 409, unless the request is repeated with its key."""
    admin = await server.person("admin")
    body = {"name": "slow", "params": _SLOW}
    key = {"Idempotency_Key": "one"}
    first = await admin.call("POST", _PROFILES, body, expect=201, **key)
    again = await admin.call("POST", _PROFILES, body, expect=201, **key)

    assert again.json() == first.json()
    assert again.headers["Idempotent-Replay"] == "true"
    await admin.call("POST", _PROFILES, body, expect=409)


_BAD_PROFILES: list[dict[str, Any]] = [
    {"name": "", "params": _SLOW},
    {"name": "two words", "params": _SLOW},
    {"name": "x" * 49, "params": _SLOW},
    {"name": "x", "params": _SLOW, "algorithm": "fixed_window"},
    {"name": "x", "params": {"burst": 1}},
    {"name": "x", "params": {"requests_per_second": 0, "burst": 1}},
    {"name": "x", "params": {"requests_per_second": 1e7, "burst": 1}},
    {"name": "x", "params": {"requests_per_second": 1, "burst": 0}},
    {"name": "x", "params": {"requests_per_second": 1, "burst": 1, "more": 1}},
    {"name": "x", "params": _SLOW, "description": "x" * 501},
]
_BAD_PATTERNS = [
    "", "/", "api/users", "/api//users", "/api/users/", "/api/us*", "/api/*/users", "/api/{}",
    "/api/{a b}", "/api/.*|x y", "/api/(a+)+$", "/api/%2e", f"/{'x' * 200}", "/a" * 21, "/é",
]  # fmt: skip


async def test_what_does_not_fit_is_refused(server: InProcessServer) -> None:
    """Names, rates and patterns have bounds; nothing is stored."""
    admin = await server.person("admin")
    default = await _named(admin, "default")
    before = await admin.get(_PROFILES), await admin.get(_ASSIGNMENTS)
    for body in _BAD_PROFILES:
        await admin.call("POST", _PROFILES, body, expect=422)
    for pattern in _BAD_PATTERNS:
        body = {"profile_id": default["id"], "method": "GET", "path": pattern}
        await admin.call("POST", _ASSIGNMENTS, body, expect=422)
    body = {"profile_id": default["id"], "method": "get", "path": "/api/users"}
    await admin.call("POST", _ASSIGNMENTS, body, expect=422)
    posting = await _named(admin, "conversation.post")
    await admin.call("PUT", f"{_PROFILES}/{posting['id']}", {"params": None}, expect=422)

    assert (await admin.get(_PROFILES), await admin.get(_ASSIGNMENTS)) == before


async def test_their_number_is_bounded(server: InProcessServer, superuser: Any) -> None:
    """There are at most 100 profiles and 500 assignments."""
    admin = await server.person("admin")
    profile = await _profile(admin)
    await superuser.execute(
        """
        INSERT INTO rustygpt.limit_profiles
        SELECT gen_random_uuid(), 'p' || n, 'gcra', 1, 1, NULL, false, now(), now()
        FROM generate_series(1, 96) n
        """
    )
    await superuser.execute(
        """
        INSERT INTO rustygpt.limit_assignments
        SELECT gen_random_uuid(), $1, 'GET', '/a/' || n, '/a/' || n, now(), now()
        FROM generate_series(1, 496) n
        """,
        profile["id"],
    )
    assert len(await admin.get(_PROFILES)) == 100
    await admin.call("POST", _PROFILES, {"name": "more", "params": _SLOW}, expect=409)
    body = {"profile_id": profile["id"], "method": "GET", "path": "/b"}
    await admin.call("POST", _ASSIGNMENTS, body, expect=409)
    await admin.call("POST", _ASSIGNMENTS, {**body, "path": "/a/1"}, expect=201)


async def test_without_the_setting_there_are_no_routes(start_server: StartServer) -> None:
    """`rate_limits.admin_api_enabled = false` makes them 404."""
    settings = Settings(rate_limits=RateLimits(admin_api_enabled=False), db=Db(max_connections=4))
    async with start_server(settings=settings) as server:
        admin = await server.person("admin")
        for path in (_PROFILES, _ASSIGNMENTS):
            await admin.call("GET", path, expect=404)


@pytest.mark.parametrize("is_published", [True, False])
async def test_a_change_is_in_force_at_another_process(
    start_server: StartServer, *, is_published: bool
) -> None:
    """The backplane carries it; if it was not published, the next poll of the log finds it."""
    async with two_servers(start_server, {}, limits=TimeLimits(limits_reload=1e9)) as two:
        admin = await two.first.person("admin")
        default = await _named(admin, "default")
        if is_published:
            await admin.call("PUT", f"{_PROFILES}/{default['id']}", {"params": _SLOW})
        else:
            changes = requests.UpdateLimitProfile(requests.LimitRate(0.001, 2))
            db, now = two.first.components.db, two.first.clock.now()
            profile_id = UUID(default["id"])
            await rate_limits.update_limit_profile(db, admin.id, profile_id, changes, now)

        def is_in_force() -> bool:
            two.advance_time(0 if is_published else 1)
            return two.second.components.services.rate_limits.default_rate.burst == 2

        await until(is_in_force)
        response = await two.ann_at_second.client.get("/api/auth/me")
        assert response.headers["RateLimit-Limit"] == "2"


async def test_everything_is_loaded_again_each_minute(
    server: InProcessServer, superuser: Any
) -> None:
    """Also a change that is not in the log, such as one by hand."""
    limits = server.components.services.rate_limits
    await superuser.execute(
        "UPDATE rustygpt.limit_profiles SET requests_per_second = 1, burst = 3"
        " WHERE name = 'default'"
    )
    assert limits.default_rate.burst != 3

    def is_in_force() -> bool:
        server.clock.advance(1)
        return limits.default_rate.burst == 3

    await until(is_in_force)


async def test_a_load_that_fails_is_tried_again(server: InProcessServer, superuser: Any) -> None:
    """What was in force stays in force meanwhile."""
    admin = await server.person("admin")
    limits = server.components.services.rate_limits
    default = await _named(admin, "default")
    before = limits.default_rate
    async with failing_procedure(superuser, "read_limit_profiles", "57014"):
        await admin.call("PUT", f"{_PROFILES}/{default['id']}", {"params": _SLOW})
        assert limits.default_rate == before

    def is_in_force() -> bool:
        server.clock.advance(1)
        return limits.default_rate.burst == 2

    await until(is_in_force)
