"""The commands `admin limits`."""

from typing import Any
from uuid import UUID

from tests.support.clients.cli_runner import rustygpt
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse, problem
from tests.support.sample_models import TIME

from rustygpt_shared.codec import decode
from rustygpt_shared.models.rate_limits import LimitAssignment, LimitParams, LimitProfile

ID, OTHER = UUID(int=0x10 << 100), UUID(int=0x20 << 100)
PROFILE = LimitProfile(ID, "slow", "gcra", LimitParams(0.5, 3), TIME, TIME, "a test")
ASSIGNMENT = LimitAssignment(OTHER, ID, "slow", "GET", "/api/users", TIME, TIME)
_PROFILES = "/api/admin/limits/profiles"
_ASSIGNMENTS = "/api/admin/limits/assignments"


def _bodies(server: FakeHttpServer, method: str) -> list[dict[str, Any]]:
    return [decode(r.body, dict) for r in server.requests if r.method == method]


async def test_profiles_and_assignments_are_listed(signed_in: FakeHttpServer) -> None:
    """The groups alone are their lists."""
    signed_in.on("GET", _PROFILES, FakeResponse(body=[PROFILE]))
    signed_in.on("GET", _ASSIGNMENTS, FakeResponse(body=[ASSIGNMENT]))
    for words in (["profiles", "list"], ["profiles"], []):
        result = await rustygpt("admin", "limits", *words)
        assert result.out == f"{ID}\tslow\t0.5\t3\ta test\n"
    result = await rustygpt("admin", "limits", "assignments")
    assert result.out == f"{OTHER}\tGET\t/api/users\tslow\n"
    result = await rustygpt("admin", "limits", "profiles", "--json")
    assert decode(result.out.encode(), LimitProfile) == PROFILE


async def test_a_profile_is_created(signed_in: FakeHttpServer) -> None:
    """A rate that does not fit is an error of usage, before anything is sent."""
    signed_in.on("POST", _PROFILES, FakeResponse(201, PROFILE))
    words = ["admin", "limits", "profiles", "create", "slow", "--rps", "0.5", "--burst"]
    result = await rustygpt(*words, "3", "--description", "a test")
    assert (result.code, "0.5 per second" in result.out) == (0, True)
    assert _bodies(signed_in, "POST") == [
        {
            "name": "slow",
            "params": {"requests_per_second": 0.5, "burst": 3},
            "description": "a test",
        }
    ]
    assert (await rustygpt(*words, "0")).code == 2
    assert len(signed_in.requests) == 1


async def test_what_is_not_given_stays(signed_in: FakeHttpServer) -> None:
    """A profile is changed by its name or the beginning of its id."""
    signed_in.on("GET", _PROFILES, FakeResponse(body=[PROFILE]))
    signed_in.on("PUT", f"{_PROFILES}/{ID}", FakeResponse(body=PROFILE))
    words = ["admin", "limits", "profiles", "update"]
    assert (await rustygpt(*words, "slow", "--rps", "2")).code == 0
    assert (await rustygpt(*words, ID.hex[:8], "--burst", "9", "--description", "")).code == 0
    assert (await rustygpt(*words, "slow", "--from-settings")).code == 0
    assert _bodies(signed_in, "PUT") == [
        {"params": {"requests_per_second": 2.0, "burst": 3}},
        {"params": {"requests_per_second": 0.5, "burst": 9}, "description": None},
        {"params": None},
    ]
    assert (await rustygpt(*words, "slow")).code == 2
    assert (await rustygpt(*words, "slow", "--rps", "1", "--from-settings")).code == 2
    assert (await rustygpt(*words, "slower", "--rps", "1")).code == 5


async def test_routes_are_assigned(signed_in: FakeHttpServer) -> None:
    """An assignment is deleted by its id, or by its method and pattern."""
    signed_in.on("GET", _PROFILES, FakeResponse(body=[PROFILE]))
    signed_in.on("GET", _ASSIGNMENTS, FakeResponse(body=[ASSIGNMENT]))
    signed_in.on("POST", _ASSIGNMENTS, FakeResponse(201, ASSIGNMENT))
    signed_in.on("DELETE", f"{_ASSIGNMENTS}/{OTHER}", FakeResponse(204))
    words = ["admin", "limits", "assignments"]
    assert (await rustygpt(*words, "create", "slow", "get", "/api/users")).code == 0
    body = {"profile_id": str(ID), "method": "GET", "path": "/api/users"}
    assert _bodies(signed_in, "POST") == [body]
    assert (await rustygpt(*words, "create", "slow", "GET", "api/users")).code == 2
    assert (await rustygpt(*words, "create", "slow", "HEAD", "/api/users")).code == 2
    for text in (str(OTHER), OTHER.hex[:8], "GET /api/users"):
        assert (await rustygpt(*words, "delete", text)).code == 0
    assert signed_in.request_count("DELETE", f"{_ASSIGNMENTS}/{OTHER}") == 3


async def test_an_assigned_profile_stays(signed_in: FakeHttpServer) -> None:
    """The reason of the server is the error."""
    signed_in.on("GET", _PROFILES, FakeResponse(body=[PROFILE]))
    conflict = problem(409, "RGP.CONFLICT", "This profile is assigned to routes.")
    signed_in.on("DELETE", f"{_PROFILES}/{ID}", conflict, FakeResponse(204))
    words = ["admin", "limits", "profiles", "delete", "slow"]
    result = await rustygpt(*words)
    assert (result.code, result.err) == (1, "rustygpt: This profile is assigned to routes.\n")
    assert (await rustygpt(*words)).code == 0
