"""The form for a new password, at the address that password managers open."""

from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from tests.support.clients.web_users import PASSWORD, WebServer, create_group, sign_in
from tests.support.database import databases
from tests.web.servers import web_server_process

from rustygpt_shared.requests import CreateUser

pytestmark = pytest.mark.xdist_group("live")

NEW_PASSWORD = "another good one"


async def _fill(page: Page, current: str, new: str, again: str) -> None:
    for label, text in (
        ("Current password", current),
        ("New password", new),
        ("New password again", again),
    ):
        await page.get_by_label(label, exact=True).fill(text)
    await page.keyboard.press("Enter")


async def test_a_password_is_changed_and_all_but_this_browser_end(
    web_server: WebServer, page: Page, other_page: Page
) -> None:
    """From the well-known address over the sign-in; a second tab and the connection go on."""
    await web_server.ada.create_user(CreateUser("pat", "pat@example.org", PASSWORD))
    await sign_in(web_server, other_page, as_="pat")
    await page.goto(f"{web_server.origin}/.well-known/change-password")
    assert page.url == f"{web_server.origin}/#/password"
    await page.get_by_label("User name or e-mail address").fill("pat")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Current password")).to_be_focused()
    fields = await page.locator("#dialog form input").all()
    purposes = [await field.get_attribute("autocomplete") for field in fields]
    assert purposes == ["username", "current-password", "new-password", "new-password"]
    assert await fields[0].input_value() == "pat"
    second_tab = await page.context.new_page()
    await second_tab.goto(web_server.origin)
    await expect(second_tab.locator("#connection")).to_have_text("Live")
    await page.bring_to_front()

    await _fill(page, PASSWORD, NEW_PASSWORD, NEW_PASSWORD)

    await expect(page.locator("#notice-words")).to_contain_text("Your password is changed")
    await expect(page.locator("#dialog")).to_be_hidden()
    assert page.url == f"{web_server.origin}/#/"
    await expect(other_page.get_by_role("heading", name="Sign in")).to_be_visible()
    await page.get_by_label("Title of a new conversation").fill("After the change")
    await page.get_by_role("button", name="Create").click()
    await expect(second_tab.get_by_role("link", name="After the change")).to_be_visible()
    for tab in (page, second_tab):
        await expect(tab.locator("#connection")).to_have_text("Live")
        await expect(tab.locator("#who")).to_have_text("pat")


async def test_a_refused_password_keeps_what_was_typed(web_server: WebServer, page: Page) -> None:
    """Each refusal is one sentence; the form leaves what is open below it as it is."""
    conversation_id = await create_group(web_server, "Below the form")
    place = f"{web_server.origin}/#/c/{conversation_id}/new"
    await sign_in(web_server, page, f"#/c/{conversation_id}/new")
    await page.get_by_label("Message", exact=True).fill("A draft")
    account = page.get_by_role("button", name="More for your account")
    await account.focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Current password")).to_be_focused()
    assert page.url == f"{web_server.origin}/#/password"
    requests: list[str] = []
    page.on("request", lambda r: requests.append(r.url) if "/api/auth/" in r.url else None)

    for current, new, again, sentence, label in (
        (PASSWORD, "short", "short", "must have 8 to 1,024 characters", "New password"),
        (PASSWORD, NEW_PASSWORD, "another one", "The new passwords differ", "New password again"),
        ("wrong", NEW_PASSWORD, NEW_PASSWORD, "current password is wrong", "Current password"),
    ):
        await _fill(page, current, new, again)
        await expect(page.locator("#dialog .error")).to_contain_text(sentence)
        await expect(page.get_by_label(label, exact=True)).to_be_focused()
        values = [
            await field.input_value() for field in await page.locator("[id^=password-]").all()
        ]
        assert values == [current, new, again]
    assert requests == [f"{web_server.origin}/api/auth/password"]

    await page.keyboard.press("Escape")
    await expect(account).to_be_focused()
    assert page.url == place
    await expect(page.get_by_label("Message", exact=True)).to_have_value("A draft")
    await account.click()
    await page.get_by_role("menuitem", name="Change password").click()
    await expect(page.get_by_label("Current password")).to_have_value("")
    await page.go_back()
    await expect(page.locator("#dialog")).to_be_hidden()
    assert page.url == place
    await expect(page.get_by_label("Message", exact=True)).to_have_value("A draft")


async def test_without_sign_in_the_page_says_what_is_left(
    cluster_url: str, tmp_path: Path, page: Page
) -> None:
    """Where features.auth_v1 is off there is no password to change."""
    url = await databases.create(cluster_url)
    server = web_server_process(tmp_path, url, RUSTYGPT__FEATURES__AUTH_V1="false")
    await server.start()
    try:
        await page.goto(f"{server.url}/.well-known/change-password")
        await expect(page.locator("#notice-words")).to_contain_text("Sign-in is switched off")
        await expect(page.locator("#dialog")).to_be_hidden()
    finally:
        await server.stop()
        await databases.drop(cluster_url, url)
