"""The search in the page, and links to messages."""

from uuid import UUID

import pytest
from playwright.async_api import Page, expect
from tests.support.clients.axe import broken_rules
from tests.support.clients.web_users import WebServer, sign_in
from tests.support.wait import until

from rustygpt_shared.requests import CreateConversation, PostMessage

pytestmark = pytest.mark.xdist_group("live")

MISSING = "0199f0c1-3b6f-7c31-8a4e-5d2f10c9ab99"
HOSTILE = "<img src=x onerror=alert(1)> zeppelin & <b>more</b>"


async def _thread(web_server: WebServer, title: str, word: str, count: int = 1) -> list[UUID]:
    """A thread with this many replies, the first of which has the word; it can be found."""
    request = CreateConversation(title, is_group=True, assistant_mode="off")
    conversation_id = await web_server.ada.create_conversation(request)
    posted = await web_server.ada.post_root(conversation_id, PostMessage(f"root of {title}"))
    ids = [posted.message_id]
    for number in range(count):
        text = word if number == 0 else f"message {number}"
        reply = await web_server.ada.reply(ids[0], PostMessage(text))
        ids.append(reply.message_id)

    async def is_found() -> bool:
        found = await web_server.ada.search_messages(word, conversation_id=conversation_id)
        return bool(found.hits)

    while not await is_found():
        await until(lambda: True)
    return [conversation_id, *ids]


async def test_a_hit_opens_its_message(web_server: WebServer, page: Page) -> None:
    """It is text, whatever it looks like, and is marked where it was found."""
    conversation_id, root, found, *_ = await _thread(web_server, "Airships", HOSTILE, 60)
    await sign_in(web_server, page)
    await page.get_by_role("heading", name="Conversations").wait_for()
    await page.keyboard.press("/")
    await page.keyboard.type("zeppelin in:Airships")
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Search")
    await expect(dialog.get_by_role("heading", name="Airships")).to_be_visible()
    hit = dialog.locator(".hits a")
    await expect(hit).to_contain_text(HOSTILE)
    await expect(hit.locator("mark")).to_have_text("zeppelin")
    await expect(hit.locator("img, b")).to_have_count(0)
    assert await broken_rules(page) == []
    await hit.click()
    await expect(dialog).to_be_hidden()
    await expect(page.locator("#messages")).to_contain_text("zeppelin")
    assert page.url.endswith(f"#/c/{conversation_id}/t/{root}/m/{found}")


async def test_what_cannot_be_searched_is_a_sentence(web_server: WebServer, page: Page) -> None:
    """Below the field; a pasted link of another server is named, and not followed."""
    await sign_in(web_server, page)
    await page.get_by_role("button", name="Search messages").click()
    dialog = page.get_by_role("dialog", name="Search")
    for text, sentence in {
        "has:link": "has: knows only has:code.",
        f"https://evil.example/#/m/{MISSING}": "This link is of https://evil.example, and",
        "qqqqzzzz": "Nothing was found.",
    }.items():
        await dialog.get_by_role("searchbox").fill(text)
        await page.keyboard.press("Enter")
        await expect(dialog).to_contain_text(sentence)


async def test_a_link_is_copied_and_opens_its_message(
    web_server: WebServer, page: Page, other_page: Page
) -> None:
    """For who is in the conversation; for others it says no more than for what does not exist."""
    conversation_id, root, found, *_ = await _thread(web_server, "Links", "linked", 2)
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root}/m/{found}")
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    row = page.locator("#messages li").filter(has_text="linked")
    await row.get_by_role("button", name="More").click()
    await page.get_by_role("menuitem", name="Copy link").click()
    await expect(page.locator("#announcer")).to_have_text("The link is copied.")
    link = await page.evaluate("navigator.clipboard.readText()")
    assert link == f"{web_server.origin}/#/m/{found}"
    await page.goto(f"{web_server.origin}/#/")
    await page.goto(link)
    await expect(page.locator("#messages")).to_contain_text("linked")
    assert page.url.endswith(f"#/c/{conversation_id}/t/{root}/m/{found}")
    await sign_in(web_server, other_page, as_="bob")
    await expect(other_page.locator("#connection")).to_have_text("Live")
    for id in (found, MISSING):  # noqa: A001 - of a message
        await other_page.goto(f"{web_server.origin}/#/m/{id}")
        await expect(other_page.locator("#notice-words")).to_have_text(
            "There is no such message, or you are not in it."
        )
        await other_page.get_by_role("button", name="Dismiss").click()
    await web_server.ada.delete_message(found)
    await page.goto(link)
    await expect(page.locator("#notice-words")).to_have_text("This message was deleted.")
