"""Sign in with Apple: a posted callback, a signed client secret, a name that comes once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from joserfc import jwk, jwt
from tests.support.fakes.fake_clock import FakeClock
from tests.support.fakes.fake_http_server import FakeResponse, RecordedRequest
from tests.support.fakes.fake_identity_provider import (
    CLIENT_ID,
    FakeIdentityProvider,
    fake_identity_provider,
)
from tests.support.servers.in_process_server import InProcessServer, StartServer

from rustygpt_shared.settings import AppleOAuth, Auth, Db, OAuth, Server, Settings

CALLBACK = "/api/oauth/apple/callback"
KEY = jwk.ECKey.generate_key("P-256")
CROSS_SITE = {"Origin": "https://appleid.apple.com", "Sec-Fetch-Site": "cross-site"}


class FakeApple:
    """Apple's endpoints on a provider of ID tokens."""

    def __init__(self, provider: FakeIdentityProvider) -> None:
        self.provider = provider
        self.asked: dict[str, str] = {}
        self.secret: Any = None
        """The client secret of the last exchange, whose signature was verified."""
        provider.person |= {"email_verified": "true", "name": None, "preferred_username": None}
        keys = provider.http.routes["GET", "/keys"]
        provider.http.on("GET", "/auth/keys", keys)
        provider.http.on("POST", "/auth/token", self._token)

    def consent(self, authorization_url: str, **fields: str) -> dict[str, str]:
        """Return the form that Apple's page posts for a person who has agreed at this URL."""
        self.asked = dict(parse_qsl(urlsplit(authorization_url).query))
        return {"code": "code-1", "state": self.asked["state"], **fields}

    def _token(self, request: RecordedRequest) -> FakeResponse:
        form = dict(parse_qsl(request.body.decode()))
        self.secret = jwt.decode(form["client_secret"], KEY, algorithms=["ES256"])
        assert (form["client_id"], form["code"]) == (CLIENT_ID, "code-1")
        return FakeResponse(200, {"id_token": self.provider.id_token(self.asked)})


@asynccontextmanager
async def _site(start_server: StartServer) -> AsyncIterator[tuple[InProcessServer, FakeApple]]:
    clock = FakeClock()
    async with fake_identity_provider(clock) as provider:
        apple = AppleOAuth(
            client_id=CLIENT_ID,
            team_id="TEAM",
            key_id="KEY-1",
            private_key=KEY.as_pem(private=True).decode(),
            base_url=provider.issuer,
        )
        settings = Settings(
            server=Server(public_base_url="https://chat.example.org"),
            auth=Auth(registration="open"),
            oauth=OAuth(apple=apple),
            db=Db(max_connections=4),
        )
        async with start_server(settings=settings, clock=clock) as server:
            await server.person("admin")
            yield server, FakeApple(provider)


async def _begin(browser: httpx.AsyncClient) -> tuple[str, str]:
    """Return where the browser goes, and the cookie that it sends with a request of Apple's."""
    response = await browser.get("/api/oauth/apple")
    cookie = response.headers["set-cookie"]
    assert "SameSite=None" in cookie
    assert "Secure" in cookie
    return response.headers["location"], cookie.partition(";")[0]


async def _sign_in(server: InProcessServer, apple: FakeApple, **fields: str) -> tuple[str, Any]:
    async with httpx.AsyncClient(base_url=server.url) as browser:
        url, binding = await _begin(browser)
        headers = {**CROSS_SITE, "Cookie": binding}
        form = apple.consent(url, **fields)
        response = await browser.post(CALLBACK, data=form, headers=headers)
        me = await browser.get("/api/auth/me")
        assert response.status_code == 303, response.text
        return response.headers["location"], me.json().get("user")


async def test_apples_page_posts_the_answer_from_its_own_site(start_server: StartServer) -> None:
    """The name comes at the first consent only, and is kept; the address is verified by a text."""
    user = '{"name": {"firstName": "Ann", "lastName": "Lee"}}'
    async with _site(start_server) as (server, apple):
        arrived, account = await _sign_in(server, apple, user=user)
        assert (await _sign_in(server, apple))[1] == account

    assert arrived == "/"
    assert (account["display_name"], account["email"]) == ("Ann Lee", "ann@example.org")
    assert account["username"] == "Ann.Lee"
    assert (apple.asked["response_mode"], apple.asked["scope"]) == ("form_post", "name email")
    assert apple.secret.header["kid"] == "KEY-1"
    claims = apple.secret.claims
    assert (claims["iss"], claims["sub"]) == ("TEAM", CLIENT_ID)
    assert claims["aud"] == apple.provider.issuer
    assert 0 < claims["exp"] - claims["iat"] <= 15_777_000


async def test_a_hostile_name_is_left_out(start_server: StartServer) -> None:
    """It is no JSON, has another shape, or control characters."""
    names = ("{", "[]", '{"name": 5}', '{"name": {"firstName": "\\u001b[2J"}}', "x" * 9_000)
    async with _site(start_server) as (server, apple):
        for number, user in enumerate(names):
            apple.provider.person["sub"] = f"person-{number}"
            arrived, account = await _sign_in(server, apple, user=user)
            assert arrived == "/"
            assert "display_name" not in account
            assert account["username"].startswith("user-")


async def test_a_form_of_another_browser_signs_nobody_in(start_server: StartServer) -> None:
    """Without the cookie, with another one, with two states, or as a GET."""
    async with (
        _site(start_server) as (server, apple),
        httpx.AsyncClient(base_url=server.url) as browser,
    ):
        url, binding = await _begin(browser)
        _, other = await _begin(browser)
        form = apple.consent(url)
        for cookie, content in (
            ("", httpx.QueryParams(form)),
            (other, httpx.QueryParams(form)),
            (f"{binding}; {other}", httpx.QueryParams(form)),
            (binding, f"{httpx.QueryParams(form)}&state={form['state']}"),
        ):
            response = await browser.post(
                CALLBACK,
                content=str(content),
                headers={
                    **CROSS_SITE,
                    "Content-Type": "application/x-www-form-urlencoded",
                    "Cookie": cookie,
                },
            )
            assert response.headers["location"] == "/#/sign-in?error=expired"
        query = await browser.get(CALLBACK, params=form, headers={"Cookie": binding})
        json = await browser.post(CALLBACK, json=form, headers={"Cookie": binding})

    assert query.status_code == 404
    assert json.headers["location"] == "/#/sign-in?error=expired"


async def test_other_routes_take_no_form_of_another_site(start_server: StartServer) -> None:
    """Only the callback does."""
    async with (
        _site(start_server) as (server, _),
        httpx.AsyncClient(base_url=server.url) as browser,
    ):
        response = await browser.post("/api/auth/device", headers=CROSS_SITE)

    assert response.status_code == 403


async def test_a_person_who_cancels_sees_why(start_server: StartServer) -> None:
    """Apple has a word of its own for that."""
    async with _site(start_server) as (server, apple):
        arrived, _ = await _sign_in(server, apple, error="user_cancelled_authorize")

    assert arrived == "/#/sign-in?error=denied"
