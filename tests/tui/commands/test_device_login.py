"""The commands `login --device` and `login --github`: a code, and a wait."""

from pathlib import Path

import pytest
from tests.support.clients.cli_runner import rustygpt
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse, problem
from tests.support.sample_models import LOGGED_IN, cookies

from rustygpt_shared import problems
from rustygpt_shared.codec import decode
from rustygpt_shared.models.devices import DeviceCode

CODE = DeviceCode("secret-1", "BCDF-GHJK", "https://chat.example.org/device", 0, 60)
LOGIN = FakeResponse(body=LOGGED_IN, headers=cookies(1))
PENDING = problem(400, problems.DEVICE_PENDING, "Nobody has confirmed the code yet.")


async def test_a_device_waits_for_its_confirmation(server: FakeHttpServer, folders: Path) -> None:
    """Address and code are on standard error; the session is saved, also past a broken request."""
    server.on("POST", "/api/auth/device", FakeResponse(body=CODE))
    server.on("POST", "/api/auth/device/token", PENDING, FakeResponse(cut=True), PENDING, LOGIN)
    result = await rustygpt("login", "--device", "--json", "--quiet")

    assert result.code == 0, result.err
    assert "https://chat.example.org/device" in result.err
    assert "BCDF-GHJK" in result.err
    assert "secret-1" not in result.out + result.err
    assert '"username":"ada"' in result.out
    assert decode(server.requests[0].body, dict)["client_name"].startswith("rustygpt on ")
    assert decode(server.requests[-1].body, dict) == {"device_code": "secret-1"}
    assert "token-1" in (folders / "config" / "session.cookies").read_text()


@pytest.mark.parametrize("code", [problems.DEVICE_DENIED, problems.DEVICE_EXPIRED])
async def test_a_refused_code_ends_the_wait(server: FakeHttpServer, code: str) -> None:
    """The sentence is the server's; nothing is saved."""
    server.on("POST", "/api/auth/device", FakeResponse(body=CODE))
    server.on("POST", "/api/auth/device/token", problem(400, code, "It was refused."))
    result = await rustygpt("login", "--device")

    assert (result.code, "It was refused." in result.err) == (1, True)
    assert (await rustygpt("me")).code != 0


async def test_github_gets_the_invite(server: FakeHttpServer) -> None:
    """Where the server has it; else one sentence says so."""
    missing = await rustygpt("login", "--github")
    assert missing.code == 1
    assert "Nobody signs in by GitHub" in missing.err or "switched off" in missing.err
    path = "/api/oauth/github/device"
    server.on("POST", path, FakeResponse(body=CODE))
    server.on("POST", f"{path}/token", LOGIN)
    invite = "rgpi_" + "a" * 43
    result = await rustygpt("login", "--github", "--invite", invite)

    assert result.code == 0, result.err
    assert decode(server.requests[-1].body, dict)["invite_token"] == invite


async def test_a_hostile_server_writes_no_escape_sequence(server: FakeHttpServer) -> None:
    """An address that is not one of the web is not shown."""
    hostile = DeviceCode("x", "BC\x1b[2J", "https://x.org/\x1b]52;c;x\x07", 0, 60)
    server.on("POST", "/api/auth/device", FakeResponse(body=hostile))
    server.on("POST", "/api/auth/device/token", LOGIN)
    result = await rustygpt("login", "--device")
    assert "\x1b" not in result.err
    script = DeviceCode("x", "BCDF-GHJK", "javascript:alert(1)", 0, 60)
    server.on("POST", "/api/auth/device", FakeResponse(body=script))
    refused = await rustygpt("login", "--device")
    assert (refused.code, "javascript" in refused.err) == (1, False)


@pytest.mark.parametrize(
    "words",
    [
        ["--device", "--github"],
        ["--device", "--token-stdin"],
        ["--device", "--email", "ada"],
        ["--github", "--password-stdin"],
        ["--device", "--invite", "x"],
    ],
    ids=" ".join,
)
async def test_ways_to_sign_in_exclude_each_other(server: FakeHttpServer, words: list[str]) -> None:
    """It is an error of usage, without a request."""
    result = await rustygpt("login", *words)
    assert (result.code, server.requests) == (2, [])
