"""Signing in by a provider, linking an account of it, and confirming a device, in a browser."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Page, expect
from tests.support.clients.web_users import PASSWORD, WebServer, sign_in
from tests.support.database import databases
from tests.support.fakes.fake_identity_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    FakeIdentityProvider,
    fake_identity_provider,
)
from tests.web.servers import signed_in_users, web_server_process

from rustygpt_server.clock import SystemClock
from rustygpt_shared.requests import CreateConversation, CreateInvite

pytestmark = pytest.mark.xdist_group("live")
BUTTON = "Sign in with Example <b>ID</b>"
LINK = "Link Example <b>ID</b>"


@dataclass
class Site:
    """A server with users, and its provider."""

    users: WebServer
    provider: FakeIdentityProvider

    async def device(self) -> dict[str, str]:
        """Return the codes of a new device."""
        body = {"client_name": "laptop <b>of ada</b>"}
        async with httpx.AsyncClient(base_url=self.users.origin) as device:
            response = await device.post("/api/auth/device", json=body)
            return dict(response.json())

    async def poll(self, codes: dict[str, str]) -> httpx.Response:
        """Ask what has become of a device."""
        body = {"device_code": codes["device_code"]}
        async with httpx.AsyncClient(base_url=self.users.origin) as device:
            return await device.post("/api/auth/device/token", json=body)


@pytest_asyncio.fixture(loop_scope="session")
async def site(cluster_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    """A server whose address is known before it starts, as the provider has to send back there."""
    database_url = await databases.create(cluster_url)
    async with fake_identity_provider(SystemClock()) as provider:
        oidc = {
            "CLIENT_ID": CLIENT_ID,
            "CLIENT_SECRET": CLIENT_SECRET,
            "ISSUER": provider.issuer,
            "LABEL": "Example <b>ID</b>",
        }
        variables = {f"RUSTYGPT__OAUTH__OIDC__{name}": value for name, value in oidc.items()}
        server = web_server_process(tmp_path, database_url, **variables)
        server._environ["RUSTYGPT__SERVER__PUBLIC_BASE_URL"] = server.url
        await server.start()
        try:
            async with signed_in_users(server.url) as users:
                yield Site(users, provider)
        finally:
            await server.stop()
            await databases.drop(cluster_url, database_url)


async def test_an_account_is_made_linked_and_unlinked(
    site: Site, page: Page, other_page: Page
) -> None:
    """What goes wrong at the provider is a sentence; an invite survives the way there and back."""
    ada = site.users.ada
    await page.goto(site.users.origin)
    await page.get_by_role("link", name=BUTTON).click()
    await expect(page.locator("#gate-error")).to_contain_text("a new one needs an invite")
    assert page.url == f"{site.users.origin}/#/"
    site.provider.answer = {"error": "access_denied"}
    await page.get_by_role("link", name=BUTTON).click()
    await expect(page.locator("#gate-error")).to_contain_text("did not confirm the sign-in")
    site.provider.answer = {}
    new = await ada.create_conversation(CreateConversation("Tea", is_group=True))
    invite = await ada.create_invite(new, CreateInvite())
    await page.goto(f"{site.users.origin}/#/invite/{invite.token}")
    await page.get_by_role("link", name=BUTTON).click()
    await expect(page.locator("#who")).to_have_text("Ann Lee")
    await expect(page.locator("#conversation-title")).to_have_text("Tea")

    await _open_linked(page)
    await expect(page.locator("#identities-list")).to_contain_text("ann@example.org")
    await expect(page.locator("#identities-password")).to_be_visible()
    await page.get_by_role("button", name="Unlink", exact=False).first.click()
    await page.locator("#dialog").get_by_role("button", name="Unlink").click()
    await expect(page.locator("#dialog .error")).to_contain_text("Nothing else signs you in")

    site.provider.person["sub"] = "person-2"
    await sign_in(site.users, other_page, as_="bob")
    await _open_linked(other_page)
    await expect(other_page.locator("#identities-password")).to_be_hidden()
    await other_page.get_by_role("button", name=LINK, exact=True).click()
    await expect(other_page.locator("#identities-list")).to_contain_text("Example <b>ID</b>")
    assert other_page.url == f"{site.users.origin}/#/"
    site.provider.person["sub"] = "person-1"
    await other_page.get_by_role("button", name=LINK, exact=True).click()
    await expect(other_page.locator("#identities-failure")).to_contain_text("Another account here")


async def test_a_device_is_approved_or_denied(site: Site, page: Page) -> None:
    """By the address that the device shows, over the sign-in; hostile names are plain text."""
    codes = await site.device()
    await page.goto(codes["verification_uri_complete"])
    await expect(page.locator("#gate-words")).to_have_text("The code of the device follows.")
    await page.get_by_label("User name or e-mail address").fill("ada")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Sign in a device")).to_be_visible()
    assert await page.get_by_label("Code that the device shows").input_value() == codes[
        "user_code"
    ].replace("-", "")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.locator("#gate-words")).to_contain_text("laptop <b>of ada</b>")
    await expect(page.locator("#gate-words")).to_contain_text("127.0.0.1")
    await page.get_by_role("button", name="Approve").click()
    await expect(page.locator("#notice-words")).to_contain_text("The device is signed in")
    assert (await site.poll(codes)).json()["user"]["username"] == "ada"

    codes = await site.device()
    await page.goto(codes["verification_uri"])
    await page.get_by_label("Code that the device shows").fill("BCDF-GHJK")
    await page.keyboard.press("Enter")
    await expect(page.locator("#gate-error")).to_contain_text("no such code")
    await page.get_by_label("Code that the device shows").fill(codes["user_code"].lower())
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Deny").click()
    await expect(page.locator("#notice-words")).to_contain_text("not signed in")
    assert (await site.poll(codes)).json()["code"] == "RGP.DEVICE.ACCESS_DENIED"


async def _open_linked(page: Page) -> None:
    await page.get_by_role("button", name="More for your account").click()
    await page.get_by_role("menuitem", name="Linked accounts").click()
    await expect(page.get_by_role("heading", name="Your linked accounts")).to_be_visible()
