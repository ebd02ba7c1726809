"""Sign-in by GitHub: the web flow and the device flow, with a server that behaves like GitHub."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from tests.support.fakes.fake_http_server import (
    FakeHttpServer,
    FakeResponse,
    RecordedRequest,
    fake_http_server,
)
from tests.support.fakes.fake_identity_provider import base64url
from tests.support.servers.in_process_server import InProcessServer, StartServer

from rustygpt_shared.settings import Auth, Db, GitHubOAuth, OAuth, Server, Settings

SECRET = "a secret of the app"


@dataclass
class FakeGitHub:
    """Signs everybody in as `user`; `device` is the answer to who polls the device flow."""

    http: FakeHttpServer
    user: dict[str, Any] = field(
        default_factory=lambda: {"id": 4711, "login": "ann", "name": "Ann Lee"}
    )
    emails: Any = field(
        default_factory=lambda: [
            {"email": "old@example.org", "primary": False, "verified": True},
            {"email": "ann@example.org", "primary": True, "verified": True},
        ]
    )
    device: dict[str, Any] = field(default_factory=lambda: {"error": "authorization_pending"})
    asked: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.http.on("POST", "/login/oauth/access_token", self._token)
        self.http.on("POST", "/login/device/code", self._device_code)
        self.http.on("GET", "/user", lambda r: self._as_user(r, self.user))
        self.http.on("GET", "/user/emails", lambda r: self._as_user(r, self.emails))

    def consent(self, authorization_url: str) -> str:
        """Return path and query of the callback of a person who has agreed at this URL."""
        self.asked = dict(parse_qsl(urlsplit(authorization_url).query))
        query = urlencode({"code": "code-1", "state": self.asked["state"]})
        return f"{urlsplit(self.asked['redirect_uri']).path}?{query}"

    def _token(self, request: RecordedRequest) -> FakeResponse:
        form = dict(parse_qsl(request.body.decode()))
        if "device_code" in form:
            assert (form["client_id"], form["device_code"]) == ("app-1", "device-1")
            return FakeResponse(200, self.device)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        is_right = (
            form["client_secret"] == SECRET
            and form["code"] == "code-1"
            and form["redirect_uri"] == self.asked["redirect_uri"]
            and base64url(digest) == self.asked["code_challenge"]
        )
        answer = {"access_token": "token-1"} if is_right else {"error": "bad_verification_code"}
        return FakeResponse(200, answer)  # GitHub answers errors with 200 as well

    def _device_code(self, request: RecordedRequest) -> FakeResponse:
        assert dict(parse_qsl(request.body.decode()))["client_id"] == "app-1"
        body = {
            "device_code": "device-1",
            "user_code": "ABCD-1234",
            "verification_uri": "https://github.example/login/device",
            "expires_in": 900,
            "interval": 5,
        }
        return FakeResponse(200, body)

    def _as_user(self, request: RecordedRequest, body: Any) -> FakeResponse:
        is_signed_in = request.headers.get("authorization") == "Bearer token-1"
        return FakeResponse(200, body) if is_signed_in else FakeResponse(401, {})


@asynccontextmanager
async def _site(start_server: StartServer) -> AsyncIterator[tuple[InProcessServer, FakeGitHub]]:
    async with fake_http_server() as http:
        github = GitHubOAuth(
            client_id="app-1", client_secret=SECRET, base_url=http.origin, api_url=http.origin
        )
        settings = Settings(
            server=Server(public_base_url="https://chat.example.org"),
            auth=Auth(registration="open"),
            oauth=OAuth(github=github),
            db=Db(max_connections=4),
        )
        async with start_server(settings=settings) as server:
            await server.person("admin")
            yield server, FakeGitHub(http)


async def _sign_in(server: InProcessServer, github: FakeGitHub) -> tuple[str, Any]:
    """Sign in with a new browser; return where it arrives, and the account."""
    async with httpx.AsyncClient(base_url=server.url) as browser:
        started = await browser.get("/api/oauth/github")
        # Over http a client keeps no Secure cookie.
        binding = started.headers["set-cookie"].partition(";")[0]
        assert "Secure" in started.headers["set-cookie"]
        callback = github.consent(started.headers["location"])
        response = await browser.get(callback, headers={"Cookie": binding})
        me = await browser.get("/api/auth/me")
        return response.headers["location"], me.json().get("user")


async def test_the_number_of_the_account_is_the_identity(start_server: StartServer) -> None:
    """Another name is the same person; the same name with another number is not."""
    async with _site(start_server) as (server, github):
        arrived, account = await _sign_in(server, github)
        assert (arrived, account["username"], account["email"]) == ("/", "ann", "ann@example.org")
        github.user["login"] = "renamed"
        assert (await _sign_in(server, github))[1] == account
        github.user = {"id": 4712, "login": "ann"}
        assert (await _sign_in(server, github))[1]["id"] != account["id"]
        providers = await server.people["admin"].get("/api/oauth")

    assert github.asked["redirect_uri"] == "https://chat.example.org/api/oauth/github/callback"
    assert github.asked["scope"] == "read:user user:email"
    assert providers["providers"] == [
        {
            "name": "github",
            "label": "GitHub",
            "url": "https://chat.example.org/api/oauth/github",
            "device": True,
        }
    ]


@pytest.mark.parametrize("user", [{"login": "ann"}, {"id": "4711"}, {"id": True}, {"id": 0}, []])
async def test_without_a_number_there_is_no_identity(start_server: StartServer, user: Any) -> None:
    """A name proves nothing."""
    async with _site(start_server) as (server, github):
        github.user = user
        assert (await _sign_in(server, github))[0] == "/#/sign-in?error=provider"


async def test_an_unverified_address_is_not_taken(start_server: StartServer) -> None:
    """Nor is one of several that is not the primary one."""
    async with _site(start_server) as (server, github):
        github.emails = [{"email": "ann@example.org", "primary": True, "verified": False}]
        assert (await _sign_in(server, github))[1]["email"] == ""


async def test_a_terminal_signs_in_with_a_code_of_github(start_server: StartServer) -> None:
    """What GitHub answers is passed on in the codes of the own device login."""
    path = "/api/oauth/github/device"
    async with (
        _site(start_server) as (server, github),
        httpx.AsyncClient(base_url=server.url) as terminal,
    ):
        code = (await terminal.post(path)).json()
        body = {"device_code": code["device_code"]}
        for error, expected in (
            ("authorization_pending", "AUTHORIZATION_PENDING"),
            ("slow_down", "SLOW_DOWN"),
            ("expired_token", "EXPIRED_TOKEN"),
            ("incorrect_device_code", "EXPIRED_TOKEN"),
            ("access_denied", "ACCESS_DENIED"),
        ):
            github.device = {"error": error}
            response = await terminal.post(f"{path}/token", json=body)
            assert response.status_code == 400
            assert response.json()["code"] == f"RGP.DEVICE.{expected}"
        github.device = {"error": "device_flow_disabled"}
        assert (await terminal.post(f"{path}/token", json=body)).status_code == 403
        github.device = {"access_token": "token-1"}
        response = await terminal.post(f"{path}/token", json=body)

    assert code["user_code"] == "ABCD-1234"
    assert response.status_code == 200
    assert response.json()["user"]["username"] == "ann"
    assert "SESSION_ID=" in response.headers["set-cookie"]
