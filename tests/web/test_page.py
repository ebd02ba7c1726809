"""The web page in a real browser, on the real server."""

from uuid import UUID

import pytest
from playwright.async_api import Page, expect
from tests.support.clients.web_users import (
    PASSWORD,
    WebServer,
    create_group,
    read_everything,
    sign_in,
)

from rustygpt_shared.requests import CreateConversation, PostMessage
from rustygpt_tui.client.http import connect

pytestmark = pytest.mark.xdist_group("live")

HOSTILE = "<img src=x onerror=alert(1)> <script>alert(2)</script> **bold** [x](javascript:alert(3))"


async def test_a_new_server_is_set_up_in_the_page(fresh_origin: str, page: Page) -> None:
    """The first visitor names the administrator, and is in."""
    async with connect(fresh_origin) as client:
        assert not await client.is_setup()
    await page.goto(fresh_origin)
    await expect(page.get_by_role("heading", name="Welcome to RustyGPT")).to_be_visible()
    await page.get_by_label("User name").fill("ada")
    await page.get_by_label("E-mail address").fill("ada@example.org")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Set up").click()
    await expect(page.locator("#who")).to_have_text("ada")


async def test_a_wrong_password_is_told_and_a_right_one_gets_in(
    web_server: WebServer, page: Page
) -> None:
    """And signing out leads back to the door."""
    await page.goto(web_server.origin)
    await page.get_by_label("User name or e-mail address").fill("ada")
    await page.get_by_label("Password", exact=True).fill("wrong")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert").first).not_to_be_empty()
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.locator("#who")).to_have_text("ada")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_an_answer_streams_and_is_rendered_at_its_end(
    web_server: WebServer, page: Page
) -> None:
    """A conversation is made, a thread begun, and the answer read as it comes."""
    await sign_in(web_server, page)
    await page.get_by_label("Title of a new conversation").fill("Tea 🍵")
    await page.get_by_role("button", name="Create").click()
    await page.get_by_label("Message", exact=True).fill("What is *tea*?")
    await page.keyboard.press("Enter")
    await expect(page.locator(".assistant .text.streaming.plain")).to_be_visible()
    await expect(page.locator(".assistant .text table")).to_be_visible(timeout=20_000)
    await expect(page.locator(".message.user .text em")).to_have_text("tea")
    await expect(page.locator("#connection")).to_have_text("Live")
    await expect(page.locator("#thread-title")).to_have_text("What is *tea*?")
    await expect(page.locator("#announcer")).to_have_text("The assistant has answered.")


async def test_an_answer_can_be_stopped(web_server: WebServer, page: Page) -> None:
    """The button is there while it streams, and what came stays."""
    talk = await web_server.ada.create_conversation(CreateConversation("Stopped"))
    await sign_in(web_server, page, f"#/c/{talk}/new")
    await page.get_by_label("Message", exact=True).fill("Go on")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Stop").click()
    await expect(page.locator(".assistant .note")).to_contain_text("stopped")


async def test_what_others_write_is_text_and_comes_by_itself(
    web_server: WebServer, page: Page
) -> None:
    """Nothing in it is markup, or runs, before and after it is rendered."""
    talk = await create_group(web_server, "Live")
    first = await web_server.bob.post_root(UUID(talk), PostMessage("Hello"))
    await sign_in(web_server, page, f"#/c/{talk}/t/{first.root_id}")
    await expect(page.locator("#connection")).to_have_text("Live")
    await web_server.bob.reply(first.message_id, PostMessage(HOSTILE))
    last = page.locator(".message").last.locator(".text")
    await expect(last.locator("strong")).to_have_text("bold")
    await expect(last).to_contain_text("<script>alert(2)</script>")
    assert await page.locator(".text img, .text script, .text a[href^=javascript]").count() == 0
    await expect(page.locator("#announcer")).to_contain_text("bob: <img")


async def test_unread_messages_are_counted_and_read(web_server: WebServer, page: Page) -> None:
    """In the lists and in the title; opening the thread reads it."""
    await read_everything(web_server.ada)
    talk = await create_group(web_server, "Counted")
    await sign_in(web_server, page, f"#/c/{talk}")
    await expect(page.locator("#connection")).to_have_text("Live")
    thread = await web_server.bob.post_root(UUID(talk), PostMessage("Unread"))
    await web_server.bob.reply(thread.message_id, PostMessage("Also"))
    row = page.locator("#threads a", has_text="Unread")
    await expect(row.locator(".badge")).to_contain_text("2")
    await expect(page).to_have_title("(2) Counted")
    await row.click()
    await expect(page.locator(".message")).to_have_count(2)
    await expect(page.locator("#threads .badge")).to_have_count(0)
    await expect(page).to_have_title("Counted")
    assert (await web_server.ada.list_unread(UUID(talk))).threads == []


async def test_a_message_is_answered_where_it_stands(web_server: WebServer, page: Page) -> None:
    """Reply chooses one; the tree shows where answers part."""
    talk = await create_group(web_server, "Tree")
    root = await web_server.bob.post_root(UUID(talk), PostMessage("Root"))
    await web_server.bob.reply(root.message_id, PostMessage("First"))
    await sign_in(web_server, page, f"#/c/{talk}/t/{root.root_id}")
    await page.locator(".message", has_text="Root").get_by_role("button", name="Reply").click()
    await expect(page.locator("#target-words")).to_have_text("Answering bob: Root")
    await page.keyboard.type("Second")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message")).to_have_count(3)
    levels = [await m.get_attribute("data-level") for m in await page.locator(".message").all()]
    assert levels == ["0", "1", "1"]


async def test_a_message_that_fails_stays_and_is_sent_once(
    web_server: WebServer, page: Page
) -> None:
    """Without a network its text is kept; the second try has the same key."""
    talk = await create_group(web_server, "Offline")
    root = await web_server.ada.post_root(UUID(talk), PostMessage("Root"))
    await sign_in(web_server, page, f"#/c/{talk}/t/{root.root_id}")
    await expect(page.locator(".message")).to_have_count(1)
    keys: list[str | None] = []
    page.on("request", lambda r: keys.append(r.headers.get("idempotency-key")))
    await page.context.set_offline(True)
    await page.get_by_label("Message", exact=True).fill("Kept")
    await page.keyboard.press("Enter")
    await expect(page.locator("#composer-error")).to_contain_text("cannot be reached")
    await expect(page.get_by_label("Message", exact=True)).to_have_value("Kept")
    await page.context.set_offline(False)
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".message")).to_have_count(2)
    sent = [key for key in keys if key]
    assert len(sent) == 2
    assert len(set(sent)) == 1


async def test_being_removed_closes_the_conversation(web_server: WebServer, page: Page) -> None:
    """The page goes back to the list, by itself."""
    talk = await create_group(web_server, "Left")
    await sign_in(web_server, page, f"#/c/{talk}", as_="bob")
    await expect(page.locator("#connection")).to_have_text("Live")
    await web_server.ada.remove_participant(UUID(talk), (await web_server.bob.me()).user.id)
    await expect(page.locator("#conversations a", has_text="Left")).to_have_count(0)
    await expect(page.locator("#announcer")).to_contain_text("no longer in this conversation")


async def test_writing_is_shown_both_ways(web_server: WebServer, page: Page) -> None:
    """Bob's in the page until he stops, and Ada's to the others until she takes it back."""
    talk = UUID(await create_group(web_server, "Writing"))
    root = (await web_server.bob.post_root(talk, PostMessage("hello"))).root_id
    await sign_in(web_server, page, f"#/c/{talk}/t/{root}")
    await expect(page.locator("#connection")).to_have_text("Live")
    await web_server.bob.set_typing(talk, root, 30)
    await expect(page.locator("#writers")).to_have_text("bob is writing …")
    await web_server.bob.set_typing(talk, root, 0)
    await expect(page.locator("#writers")).to_be_hidden()
    async with page.expect_response("**/api/typing"):
        await page.get_by_label("Message", exact=True).press_sequentially("hi")
    shown = await web_server.bob.show_presence(talk)
    assert [turn.root_id for turn in shown.typing] == [root]
    ada = (await web_server.ada.me()).user.id
    assert [one.status for one in shown.users if one.user_id == ada] == ["online"]
    async with page.expect_response("**/api/typing"):
        await page.get_by_label("Message", exact=True).fill("")
    assert (await web_server.bob.show_presence(talk)).typing == []


async def test_on_a_phone_one_pane_shows_and_nothing_sticks_out(
    web_server: WebServer, page: Page
) -> None:
    """From conversations to threads to messages and back."""
    talk = await create_group(web_server, "Small")
    wide = "x" * 500 + "\n\n```\n" + "y" * 500 + "\n```"
    await web_server.bob.post_root(UUID(talk), PostMessage(wide))
    await page.set_viewport_size({"width": 360, "height": 640})
    await sign_in(web_server, page)
    await page.locator("#conversations a", has_text="Small").click()
    await page.locator("#threads a").first.click()
    await expect(page.locator(".message")).to_have_count(1)
    await expect(page.locator("#threads")).to_be_hidden()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    await page.get_by_label("Back to threads").click()
    await page.get_by_label("Back to conversations").click()
    await expect(page.locator("#conversations")).to_be_visible()


async def test_the_page_brings_nothing_from_elsewhere(web_server: WebServer, page: Page) -> None:
    """Every request goes to the server itself."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await sign_in(web_server, page)
    assert asked
    assert [url for url in asked if not url.startswith(web_server.origin)] == []
