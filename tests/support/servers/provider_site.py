"""A server and its OpenID Connect provider, for tests of the sign-in by it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from tests.support.fakes.fake_clock import FakeClock
from tests.support.fakes.fake_identity_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    FakeIdentityProvider,
    fake_identity_provider,
)
from tests.support.servers.in_process_server import InProcessServer, StartServer

from rustygpt_server.clock import TimeLimits
from rustygpt_shared.settings import (
    Auth,
    Db,
    OAuth,
    OidcOAuth,
    RegistrationMode,
    Server,
    Settings,
)

BASE_URL = "http://chat.example.org"


@dataclass
class Site:
    """A server, its provider, and browsers."""

    server: InProcessServer
    provider: FakeIdentityProvider

    def browser(self) -> httpx.AsyncClient:
        """Return a browser without a session."""
        return httpx.AsyncClient(base_url=self.server.url, timeout=60)

    async def begin(self, browser: httpx.AsyncClient, query: str = "") -> str:
        """Press the button; return where the browser is sent."""
        response = await browser.get(f"/api/oauth/oidc{query}")
        assert response.status_code == 303, response.text
        return str(response.headers["location"])

    async def sign_in(self, browser: httpx.AsyncClient, query: str = "", **answer: str) -> str:
        """Sign in at the provider; return where in the page the browser arrives."""
        callback = self.provider.consent(await self.begin(browser, query), **answer)
        return await arrive(browser, callback)


async def arrive(browser: httpx.AsyncClient, callback: str) -> str:
    """Return where the callback sends a browser."""
    response = await browser.get(callback)
    assert response.status_code == 303, response.text
    return str(response.headers["location"])


@asynccontextmanager
async def site(
    start_server: StartServer, registration: RegistrationMode = "open", **limits: Any
) -> AsyncIterator[Site]:
    """Run a server that is set up, and its provider."""
    clock = FakeClock()
    async with fake_identity_provider(clock) as provider:
        oidc = OidcOAuth(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, issuer=provider.issuer)
        settings = Settings(
            server=Server(public_base_url=BASE_URL),
            auth=Auth(registration=registration),
            oauth=OAuth(oidc=oidc),
            db=Db(max_connections=4),
            **{name: value for name, value in limits.items() if name == "rate_limits"},
        )
        time_limits = limits.get("limits", TimeLimits())
        async with start_server(settings=settings, clock=clock, limits=time_limits) as server:
            await server.person("admin")
            yield Site(server, provider)


async def me(browser: httpx.AsyncClient) -> Any:
    """Return the account that a browser is signed in to, or None."""
    response = await browser.get("/api/auth/me")
    return response.json()["user"] if response.status_code == 200 else None
