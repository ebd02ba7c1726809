"""Invites and registration in the page: a link is made, opened, and joins its conversation."""

from uuid import UUID

import pytest
from playwright.async_api import Browser, Page, expect
from tests.support.clients.web_users import PASSWORD, WebServer, sign_in

from rustygpt_shared.requests import CreateConversation, CreateInvite

pytestmark = pytest.mark.xdist_group("live")


async def _conversation(web_server: WebServer, title: str) -> str:
    request = CreateConversation(title, is_group=True, assistant_mode="off")
    return str(await web_server.ada.create_conversation(request))


async def _create_link(page: Page) -> str:
    """Create a link in the open dialog, and return it."""
    await page.get_by_role("button", name="Make a link").click()
    await expect(page.get_by_label("The link of the invite")).to_be_visible()
    return await page.get_by_label("The link of the invite").input_value()


async def test_a_new_person_registers_with_a_link(
    web_server: WebServer, page: Page, other_page: Page
) -> None:
    """The owner makes it in the page, and sees that it was used; the account has joined."""
    await sign_in(web_server, page, f"#/c/{await _conversation(web_server, 'Tea party')}")
    await page.get_by_role("button", name="Invite").click()
    invites = page.locator("#invite-list")
    await expect(invites).to_have_text("There are none.")
    link = await _create_link(page)
    assert link.startswith(f"{web_server.origin}/#/invite/rgpi_")
    await expect(invites).to_contain_text("member: anyone with the link")
    await expect(invites).to_contain_text("by ada")
    guest = other_page
    await guest.goto(link)
    await guest.get_by_role("button", name="Create an account").click()
    await guest.get_by_label("User name").fill("carol")
    await guest.get_by_label("E-mail address").fill("carol@example.org")
    await guest.get_by_label("Password").fill(PASSWORD)
    await guest.keyboard.press("Enter")
    await expect(guest.locator("#who")).to_have_text("carol")
    await expect(guest.get_by_role("link", name="Tea party")).to_be_visible()
    assert "rgpi_" not in guest.url
    await expect(guest.get_by_role("button", name="Invite")).to_be_hidden()
    await expect(invites).to_have_text("There are none.")


async def test_a_signed_in_user_is_asked_and_joins(
    web_server: WebServer, page: Page, other_page: Page
) -> None:
    """In all browsers of the user. A used link says so, and the user may go on without it."""
    conversation_id = await _conversation(web_server, "Book club")
    created = await web_server.ada.create_invite(UUID(conversation_id), CreateInvite())
    await sign_in(web_server, page, as_="bob")
    await sign_in(web_server, other_page, as_="bob")
    await expect(other_page.locator("#connection")).to_have_text("Live")
    await page.goto(f"{web_server.origin}/#/invite/{created.token}")
    await page.get_by_role("button", name="Join").click()
    await expect(page.locator("#conversation-title")).to_have_text("Book club")
    await expect(other_page.get_by_role("link", name="Book club")).to_be_visible()
    assert page.url == f"{web_server.origin}/#/c/{conversation_id}"
    await page.goto(f"{web_server.origin}/#/invite/{created.token}")
    await page.get_by_role("button", name="Join").click()
    await expect(page.locator("#gate-error")).to_contain_text("has been used")
    await page.get_by_role("button", name="Not now").click()
    await expect(page.locator("#who")).to_have_text("bob")


async def test_open_invites_are_listed_and_revoked(
    web_server: WebServer, page: Page, other_page: Page
) -> None:
    """Also those made elsewhere. The link that somebody has open already does not work any more."""
    conversation_id = await _conversation(web_server, "Chess")
    await sign_in(web_server, page, f"#/c/{conversation_id}")
    await page.get_by_role("button", name="Invite").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#invite-list")).to_have_text("There are none.")
    invite = CreateInvite(email="zoe@example.org", role="viewer")
    await web_server.ada.create_invite(UUID(conversation_id), invite)
    rows = page.locator("#invite-list .session")
    await expect(rows).to_have_count(1)
    await expect(rows.first).to_contain_text("viewer: zoe@example.org")
    link = await _create_link(page)
    await expect(rows).to_have_count(2)
    await sign_in(web_server, other_page, as_="bob")
    await other_page.goto(link)
    await expect(other_page.get_by_role("button", name="Join")).to_be_visible()
    name = "Revoke the invite as member for anyone with the link"
    await page.get_by_role("button", name=name).focus()
    await page.keyboard.press("Enter")
    await expect(rows).to_have_count(1)
    await expect(page.locator("#invite-close")).to_be_focused()
    await other_page.get_by_role("button", name="Join").click()
    await expect(other_page.locator("#gate-error")).to_contain_text("revoked")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Invite")).to_be_focused()


async def test_a_session_is_ended_in_the_page(
    web_server: WebServer, page: Page, browser: Browser
) -> None:
    """The other one shows the sign-in form."""
    context = await browser.new_context(user_agent="Other <b>browser</b>")
    other = await context.new_page()
    await sign_in(web_server, other, as_="bob")
    await sign_in(web_server, page, as_="bob")
    await page.get_by_role("button", name="Sessions").click()
    row = page.locator(".session", has_text="Other <b>browser</b>").first
    await expect(page.locator(".session", has_text="this one")).to_have_count(1)
    await row.get_by_role("button").click()
    await expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    await page.get_by_role("button", name="Close").click()
    await expect(page.locator("#sessions-dialog")).to_be_hidden()
    await context.close()
