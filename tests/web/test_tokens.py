"""Personal tokens in the page: created, shown once, listed, revoked."""

import httpx
import pytest
from playwright.async_api import Page, expect
from tests.support.clients.web_users import WebServer, sign_in

pytestmark = pytest.mark.xdist_group("live")


async def _open_tokens(page: Page) -> None:
    await page.get_by_role("button", name="More for your account").focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Your personal tokens")).to_be_visible()


async def _status(web_server: WebServer, token: str, method: str, path: str) -> int:
    """Return the status of a request with a token."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=web_server.origin, headers=headers) as client:
        return (await client.request(method, path, json={"title": "By a token"})).status_code


async def test_a_token_is_shown_once_and_revoked(
    web_server: WebServer, page: Page, other_page: Page
) -> None:
    """It may do what was chosen; another browser of the user sees it come and go."""
    for one in (page, other_page):
        await sign_in(web_server, one, as_="bob")
        await _open_tokens(one)
        await expect(one.locator("#tokens-list")).to_have_text("You have no tokens.")
    await page.get_by_label("Name", exact=True).fill("Backup <b>nightly</b>")
    await page.get_by_label("read conversations").uncheck()
    await page.get_by_role("button", name="Create a token").click()
    await expect(page.locator("#tokens-error")).to_contain_text("Choose at least one")
    await page.get_by_label("read conversations").check()
    await page.get_by_role("button", name="Create a token").click()
    await expect(page.get_by_label("The new token")).to_be_focused()
    token = await page.get_by_label("The new token").input_value()
    await expect(page.locator("#token-result")).to_contain_text("it is not shown again")
    for one in (page, other_page):
        await expect(one.locator("#tokens-list .session")).to_have_count(1)
        await expect(one.locator("#tokens-list")).to_contain_text("Backup <b>nightly</b>")
        await expect(one.locator("#tokens-list")).to_contain_text("read · created")
        await expect(one.locator("#tokens-list")).to_contain_text("never used · expires")
    assert await _status(web_server, token, "GET", "/api/conversations") == 200
    assert await _status(web_server, token, "POST", "/api/conversations") == 403
    await expect(other_page.locator("#tokens-list")).to_contain_text("· used")

    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="More for your account")).to_be_focused()
    assert await page.locator("#token-value").input_value() == ""
    await _open_tokens(page)
    revoke = page.get_by_role("button", name="Revoke the token Backup")
    await revoke.click()
    await page.locator("#dialog").get_by_role("button", name="Cancel").click()
    await expect(revoke).to_be_focused()
    assert await _status(web_server, token, "GET", "/api/conversations") == 200
    await page.keyboard.press("Enter")
    await page.locator("#dialog").get_by_role("button", name="Revoke").click()
    for one in (page, other_page):
        await expect(one.locator("#tokens-list")).to_have_text("You have no tokens.")
    await expect(page.locator("#tokens-close")).to_be_focused()
    assert await _status(web_server, token, "GET", "/api/conversations") == 401


async def test_only_administrators_are_offered_the_scope_admin(
    web_server: WebServer, page: Page, other_page: Page
) -> None:
    """For others it would allow nothing."""
    for one, name, scopes in (
        (page, "ada", ["read", "write", "admin", "v1"]),
        (other_page, "bob", ["read", "write", "v1"]),
    ):
        await sign_in(web_server, one, as_=name)
        await _open_tokens(one)
        boxes = one.get_by_role("checkbox")
        assert [await box.get_attribute("value") for box in await boxes.all()] == scopes
