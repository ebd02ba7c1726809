"""Editing, deleting, restoring and regenerating messages on the page, with two people's pages."""

import re
from uuid import UUID

import pytest
from playwright.async_api import Locator, Page, expect
from tests.support.clients.web_users import WebServer, create_group, sign_in

from rustygpt_shared.models.messages import PostedMessage
from rustygpt_shared.requests import CreateConversation, PostMessage

pytestmark = pytest.mark.xdist_group("live")


async def _open(
    web_server: WebServer, page: Page, title: str
) -> tuple[PostedMessage, PostedMessage]:
    """Open a thread with a root of Bob's and a reply of Ada's, who uses the page."""
    conversation_id = await create_group(web_server, title)
    root = await web_server.bob.post_root(UUID(conversation_id), PostMessage(f"{title} of Bob"))
    reply = await web_server.ada.reply(root.message_id, PostMessage("Words of Ada"))
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root.root_id}")
    await expect(page.locator(".message")).to_have_count(2)
    return root, reply


def _row(page: Page, id: UUID) -> Locator:
    return page.locator(f'.message[data-key="{id}"]')


async def _choose(page: Page, id: UUID, action: str) -> None:
    """Choose an entry of a message's menu."""
    await _row(page, id).get_by_role("button", name=re.compile("^More for")).click()
    await page.get_by_role("menuitem", name=action, exact=True).click()


async def _open_too(web_server: WebServer, page: Page, root: PostedMessage) -> None:
    """Open the thread of a root as Bob, in another browser."""
    await sign_in(web_server, page, f"#/c/{root.conversation_id}/t/{root.root_id}", as_="bob")
    await expect(page.locator("#connection")).to_have_text("Live")
    await expect(_row(page, root.message_id)).to_be_visible()


async def test_an_edit_is_shown_to_both_and_earlier_texts_can_be_seen(
    web_server: WebServer, page: Page, other_page: Page
) -> None:
    """The dialog has the text; the row says `edited`, and the HTML is that of the new text."""
    root, reply = await _open(web_server, page, "Edit")
    await _open_too(web_server, other_page, root)
    await _choose(page, reply.message_id, "Edit")
    text = page.get_by_role("textbox", name="Text")
    await expect(text).to_have_value("Words of Ada")
    await text.fill("Words of **Ada**, again")
    await page.get_by_role("button", name="Save").click()
    for one in (page, other_page):
        row = _row(one, reply.message_id)
        await expect(row.locator("strong")).to_have_text("Ada")
        await expect(row.locator(".note")).to_have_text("edited")
        await _choose(one, reply.message_id, "Earlier texts")
        await expect(one.locator("#dialog .raw")).to_have_text("Words of Ada")
        await one.keyboard.press("Escape")
        await expect(one.locator("#dialog")).to_be_hidden()


async def test_a_refusal_keeps_the_text(web_server: WebServer, page: Page) -> None:
    """The sentence of the server is in the dialog, and the text can be changed."""
    _, reply = await _open(web_server, page, "Refusal")
    await _choose(page, reply.message_id, "Edit")
    await page.get_by_role("textbox", name="Text").fill("Mine")
    await web_server.ada.delete_message(reply.message_id)
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#dialog .error")).to_contain_text("restore it")
    await expect(page.get_by_role("textbox", name="Text")).to_have_value("Mine")


async def test_a_deletion_asks_once_and_can_be_taken_back(
    web_server: WebServer, page: Page, other_page: Page
) -> None:
    """What others delete and restore changes without a reload, and says who did it."""
    root, reply = await _open(web_server, page, "Delete")
    await _open_too(web_server, other_page, root)
    await _choose(page, reply.message_id, "Delete")
    await page.get_by_role("button", name="Cancel").click()
    await expect(_row(page, reply.message_id)).to_contain_text("Words of Ada")
    await _choose(page, reply.message_id, "Delete")
    await page.locator("#dialog").get_by_role("button", name="Delete").click()
    pages = (page, other_page)
    await _expect_text(pages, reply, "(deleted)")
    await _choose(page, reply.message_id, "Restore")
    await _expect_text(pages, reply, "Words of Ada")
    await _choose(page, root.message_id, "Delete")
    await page.locator("#dialog").get_by_role("button", name="Delete").click()
    await _expect_text(pages, root, "(deleted by ada)")
    for one in pages:
        await expect(one.locator("#threads")).to_contain_text("(deleted)")
        await expect(one.locator("main").get_by_text("Delete of Bob")).to_have_count(0)
    menu = _row(other_page, root.message_id).get_by_role("button", name=re.compile("^More for"))
    await expect(menu).to_have_count(0)  # an administrator's deletion is not the author's to undo
    await _choose(page, root.message_id, "Restore")
    await _expect_text(pages, root, "Delete of Bob")


async def _expect_text(pages: tuple[Page, ...], message: PostedMessage, text: str) -> None:
    for page in pages:
        await expect(_row(page, message.message_id).locator(".text")).to_have_text(text)


async def test_the_menu_works_with_the_keyboard(web_server: WebServer, page: Page) -> None:
    """Arrows move, Enter chooses, Escape gives the focus back to the button."""
    _, reply = await _open(web_server, page, "Keyboard")
    more = _row(page, reply.message_id).get_by_role("button", name=re.compile("^More for"))
    await more.focus()
    await page.keyboard.press("Enter")
    items = page.get_by_role("menuitem")
    await expect(items.first).to_be_focused()
    await expect(more).to_have_attribute("aria-expanded", "true")
    await page.keyboard.press("ArrowUp")
    await expect(items.last).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(items.first).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(more).to_be_focused()
    await expect(more).to_have_attribute("aria-expanded", "false")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("textbox", name="Text")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(more).to_be_focused()


async def test_members_have_no_entry_that_is_refused(web_server: WebServer, page: Page) -> None:
    """Bob, a member, may change his own message only."""
    root, reply = await _open(web_server, page, "Roles")
    await page.context.clear_cookies()
    await sign_in(web_server, page, f"#/c/{root.conversation_id}/t/{root.root_id}", as_="bob")
    own = _row(page, root.message_id).get_by_role("button", name=re.compile("^More for"))
    await expect(own).to_be_visible()
    others = _row(page, reply.message_id)
    await others.get_by_role("button", name=re.compile("^More for")).click()
    await expect(page.get_by_role("menuitem")).to_have_text(["Copy link"])


async def test_another_answer_and_a_changed_question_stand_beside_the_old_ones(
    web_server: WebServer, page: Page, other_page: Page
) -> None:
    """Both are new messages; the page goes to them, and another reader's page shows them."""
    request = CreateConversation("Answers", assistant_mode="always")
    conversation_id = await web_server.ada.create_conversation(request)
    await web_server.ada.add_participant(conversation_id, (await web_server.bob.me()).user.id)
    posted = await web_server.ada.post_root(conversation_id, PostMessage("Say hello"))
    assert posted.answer_id
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{posted.root_id}")
    await _open_too(web_server, other_page, posted)

    row = _row(page, posted.answer_id)
    await expect(row.get_by_role("button", name=re.compile("^Reply to assistant"))).to_be_visible()
    await _choose(page, posted.answer_id, "Another answer")
    for one in (page, other_page):
        await expect(one.locator(".message.assistant")).to_have_count(2)
        await expect(_row(one, posted.answer_id)).to_be_visible()
    await _choose(page, posted.message_id, "Send again, changed")
    await page.get_by_role("textbox", name="Text").fill("Say goodbye")
    await page.locator("#dialog").get_by_role("button", name="Send").click()
    for one in (page, other_page):
        await expect(one.locator("#threads > li")).to_have_count(2)
    await expect(page.locator(".message.user .text")).to_have_text("Say goodbye")
    await expect(other_page.locator("#threads")).to_contain_text("Say goodbye")
    await expect(other_page.locator(".message.user .text")).to_have_text("Say hello")
