"""Archiving, leaving and deleting conversations on the page, with two people in two browsers."""

from uuid import UUID

import pytest
from playwright.async_api import Page, expect
from tests.support.clients.web_users import WebServer, create_group, sign_in

from rustygpt_shared.requests import PostMessage, UpdateConversation

pytestmark = pytest.mark.xdist_group("live")


async def _open(web_server: WebServer, page: Page, title: str, *, as_: str = "ada") -> UUID:
    """Open a thread in a new group of Ada's with Bob in it; return the conversation's id."""
    conversation_id = UUID(await create_group(web_server, title))
    root = await web_server.bob.post_root(conversation_id, PostMessage(f"Root of {title}"))
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root.root_id}", as_=as_)
    await expect(page.locator(".message")).to_have_count(1)
    return conversation_id


async def _choose(page: Page, action: str) -> None:
    await page.get_by_role("button", name="More for the conversation").click()
    await page.get_by_role("menuitem", name=action, exact=True).click()


async def _open_too(web_server: WebServer, page: Page, title: str, as_: str = "bob") -> None:
    """Open the thread of a group that exists, in another browser."""
    await sign_in(web_server, page, as_=as_)
    await page.get_by_role("link", name=title).click()
    await page.locator("#threads a").first.click()
    await expect(page.locator(".message")).to_have_count(1)
    await expect(page.locator("#connection")).to_have_text("Live")


async def test_an_archived_conversation_is_read_only_and_found_again(
    web_server: WebServer, page: Page, other_page: Page
) -> None:
    """It leaves the lists of both; the dialog of archived ones leads to it."""
    await _open(web_server, page, "To the archive")
    await _open_too(web_server, other_page, "To the archive")
    await _choose(page, "Archive")
    for one in (page, other_page):
        await expect(one.locator("#read-only")).to_have_text(
            "This conversation is archived: read only."
        )
        await expect(one.locator("#composer")).to_be_hidden()
        await expect(one.locator("#conversations")).not_to_contain_text("To the archive")
    await page.goto(f"{web_server.origin}/#/")
    await page.get_by_role("button", name="Archived").click()
    await page.get_by_role("link", name="To the archive").click()
    await page.locator("#threads a").first.click()
    await expect(page.locator("#read-only")).to_be_visible()
    await _choose(page, "Unarchive")
    for one in (page, other_page):
        await expect(one.locator("#composer")).to_be_visible()
        await expect(one.locator("#conversations")).to_contain_text("To the archive")


async def test_a_deletion_asks_for_the_title_and_closes_it_for_everybody(
    web_server: WebServer, page: Page, other_page: Page
) -> None:
    """Another title deletes nothing; Bob, who reads in another browser, reads what happened."""
    await _open(web_server, page, "To be deleted")
    await _open_too(web_server, other_page, "To be deleted")
    await _choose(page, "Delete")
    title = page.get_by_role("textbox", name="Title", exact=True)
    await title.fill("to be deleted")
    await page.keyboard.press("Enter")
    await expect(page.locator("#dialog .error")).to_have_text(
        "That is not its title; nothing is deleted."
    )
    await title.fill("To be deleted")
    await page.keyboard.press("Enter")
    for one in (page, other_page):
        await expect(one.locator("#notice-words")).to_have_text(
            "The conversation “To be deleted” was deleted."
        )
        await expect(one.locator("#conversations")).not_to_contain_text("To be deleted")
        await expect(one.get_by_role("button", name="More for the conversation")).to_be_hidden()


async def test_a_member_can_export_and_leave_and_nothing_else(
    web_server: WebServer, page: Page, other_page: Page
) -> None:
    """The menu has what the role allows; the member's other browser leaves too."""
    await _open(web_server, page, "To be left", as_="bob")
    await _open_too(web_server, other_page, "To be left")
    await page.get_by_role("button", name="More for the conversation").click()
    await expect(page.get_by_role("menuitem")).to_have_text(["Export", "Leave"])
    await page.get_by_role("menuitem", name="Leave").click()
    await page.locator("#dialog").get_by_role("button", name="Leave").click()
    for one in (page, other_page):
        await expect(one.locator("#notice-words")).to_contain_text("You are no longer in")
        await expect(one.locator("#conversations")).not_to_contain_text("To be left")


async def test_the_last_owner_reads_why_leaving_is_refused(
    web_server: WebServer, page: Page
) -> None:
    """The dialog stays open with the server's sentence."""
    conversation_id = await _open(web_server, page, "Not to be left")
    await _choose(page, "Leave")
    await page.locator("#dialog").get_by_role("button", name="Leave").click()
    await expect(page.locator("#dialog .error")).to_contain_text("make somebody else an owner")
    await page.keyboard.press("Escape")
    await web_server.ada.update_conversation(conversation_id, UpdateConversation(title="Renamed"))
    await expect(page.locator("#conversation-title")).to_have_text("Renamed")
