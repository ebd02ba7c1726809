"""The web page in a real browser, with a real server."""

import asyncio
from uuid import UUID

import pytest
from playwright.async_api import Page, Route, expect
from tests.support.clients.web_users import (
    PASSWORD,
    WebServer,
    create_group,
    sign_in,
)
from tests.support.servers.server_process import ServerProcess
from tests.support.wait import until

from rustygpt_shared.requests import CreateConversation, PostMessage

pytestmark = pytest.mark.xdist_group("live")

HOSTILE = "<img src=x onerror=alert(1)> <script>alert(2)</script> **bold** [x](javascript:alert(3))"


async def test_a_new_server_can_be_set_up_in_the_page(
    new_server: ServerProcess, page: Page
) -> None:
    """The first visitor creates the administrator and is signed in."""
    await page.goto(new_server.url)
    await expect(page.get_by_role("heading", name="Welcome to RustyGPT")).to_be_visible()
    await page.get_by_label("User name").fill("ada")
    await page.get_by_label("E-mail address").fill("ada@example.org")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Set up").click()
    await expect(page.locator("#who")).to_have_text("ada")


async def test_a_wrong_password_is_an_error_and_a_right_one_signs_in(
    web_server: WebServer, page: Page
) -> None:
    """Signing out shows the form again."""
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


async def test_an_answer_streams_and_is_rendered(web_server: WebServer, page: Page) -> None:
    """After a conversation is created and a thread started."""
    await sign_in(web_server, page)
    await page.get_by_label("Title of a new conversation").fill("Tea 🍵")
    await page.get_by_role("button", name="Create").click()
    await page.get_by_label("Message", exact=True).fill("What is *tea*?")
    await page.keyboard.press("Enter")
    await expect(page.locator(".assistant .text.streaming")).to_be_visible()
    await expect(page.locator(".assistant .text table")).to_be_visible(timeout=20_000)
    await expect(page.locator(".message.user .text em")).to_have_text("tea")
    await expect(page.locator("#connection")).to_have_text("Live")
    await expect(page.locator("#thread-title")).to_have_text("What is *tea*?")
    await expect(page.locator("#announcer")).to_have_text("The assistant has answered.")


async def test_an_answer_can_be_stopped(web_server: WebServer, page: Page) -> None:
    """There is a button while it streams; the text so far stays."""
    conversation_id = await web_server.ada.create_conversation(CreateConversation("Stopped"))
    await sign_in(web_server, page, f"#/c/{conversation_id}/new")
    await page.get_by_label("Message", exact=True).fill("Go on")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Stop").click()
    await expect(page.locator(".assistant .note")).to_contain_text("stopped")


async def test_messages_of_others_arrive_as_text(web_server: WebServer, page: Page) -> None:
    """Markup in them is neither shown nor run, before and after they are rendered."""
    conversation_id = await create_group(web_server, "Live")
    first = await web_server.bob.post_root(UUID(conversation_id), PostMessage("Hello"))
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{first.root_id}")
    await expect(page.locator("#connection")).to_have_text("Live")
    await expect(page.locator(".message")).to_have_count(1)
    await web_server.bob.reply(first.message_id, PostMessage(HOSTILE))
    last = page.locator(".message").last.locator(".text")
    await expect(last.locator("strong")).to_have_text("bold")
    await expect(last).to_contain_text("<script>alert(2)</script>")
    assert await page.locator(".text img, .text script, .text a[href^=javascript]").count() == 0
    await expect(page.locator("#announcer")).to_contain_text("bob: <img")


async def test_lists_and_titles_leave_out_markup(web_server: WebServer, page: Page) -> None:
    """They show a beginning of a message, which they do not render."""
    conversation_id = await create_group(web_server, "Plans")
    root = await web_server.bob.post_root(UUID(conversation_id), PostMessage("Let us **cook**"))
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root.root_id}")
    for place in ("#thread-title", "#threads li .name"):
        await expect(page.locator(place)).to_have_text("Let us cook")
    await expect(page.locator("#conversations li").first).to_contain_text("Let us cook")


async def test_a_removed_user_leaves_the_conversation(web_server: WebServer, page: Page) -> None:
    """The page returns to the list without a reload."""
    conversation_id = await create_group(web_server, "Left")
    await sign_in(web_server, page, f"#/c/{conversation_id}", as_="bob")
    await expect(page.locator("#connection")).to_have_text("Live")
    await expect(page.locator("#conversation-title")).to_have_text("Left")
    await web_server.ada.remove_participant(
        UUID(conversation_id), (await web_server.bob.me()).user.id
    )
    row = page.locator(f"#conversations a[href*='{conversation_id}']")
    await expect(row).to_have_count(0)
    await expect(page.locator("#announcer")).to_contain_text("You are no longer in")


async def test_a_notice_ends_where_another_conversation_opens(
    web_server: WebServer, page: Page
) -> None:
    """Who was removed and is back, or reads elsewhere, does not read of the removal any more."""
    conversation_id = await create_group(web_server, "Returned")
    await sign_in(web_server, page, f"#/c/{conversation_id}", as_="bob")
    await expect(page.locator("#conversation-title")).to_have_text("Returned")
    await expect(page.locator("#connection")).to_have_text("Live")
    bob = (await web_server.bob.me()).user.id
    await web_server.ada.remove_participant(UUID(conversation_id), bob)
    await expect(page.locator("#notice-words")).to_contain_text("no longer in")
    await web_server.ada.add_participant(UUID(conversation_id), bob)
    await page.locator("#conversations a", has_text="Returned").click()
    await expect(page.locator("#conversation-title")).to_have_text("Returned")
    await expect(page.locator("#notice")).to_be_hidden()


async def test_the_bar_breaks_no_word_when_the_connection_is_lost(
    web_server: WebServer, page: Page
) -> None:
    """On a narrow screen the state of the connection takes two lines, its parts one each."""
    await page.set_viewport_size({"width": 390, "height": 780})
    await sign_in(web_server, page, "")
    await expect(page.locator("#connection")).to_have_text("Live")
    parts = (".brand", "#account-menu", "#sessions", "#leave")
    height = "e => Math.round(e.getBoundingClientRect().height)"
    heights = [await page.locator(part).evaluate(height) for part in parts]
    assert await page.locator("#connection").evaluate(height) <= heights[0]
    text = "e => { e.textContent = 'Connection lost, trying again …'; }"
    await page.locator("#connection").evaluate(text)
    assert [await page.locator(part).evaluate(height) for part in parts] == heights
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390


async def test_typing_is_shown_and_sent(web_server: WebServer, page: Page) -> None:
    """Bob's typing is shown until he stops; Ada's is sent until she clears the text."""
    conversation_id = UUID(await create_group(web_server, "Writing"))
    root = (await web_server.bob.post_root(conversation_id, PostMessage("hello"))).root_id
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root}")
    await expect(page.locator("#connection")).to_have_text("Live")
    await web_server.bob.set_typing(conversation_id, root, 30)
    await expect(page.locator("#writers")).to_have_text("bob is writing …")
    await web_server.bob.set_typing(conversation_id, root, 0)
    await expect(page.locator("#writers")).to_be_hidden()
    async with page.expect_response("**/api/typing"):
        await page.get_by_label("Message", exact=True).press_sequentially("hi")
    shown = await web_server.bob.show_presence(conversation_id)
    assert [indicator.root_id for indicator in shown.typing] == [root]
    ada = (await web_server.ada.me()).user.id
    assert [user.status for user in shown.users if user.user_id == ada] == ["online"]
    async with page.expect_response("**/api/typing"):
        await page.get_by_label("Message", exact=True).fill("")
    assert (await web_server.bob.show_presence(conversation_id)).typing == []


async def test_typing_that_starts_while_presence_is_fetched_is_shown(
    web_server: WebServer, page: Page
) -> None:
    """The snapshot was read before Bob started typing and arrives after the event."""
    conversation_id = UUID(await create_group(web_server, "Overtaken"))
    root = (await web_server.bob.post_root(conversation_id, PostMessage("hello"))).root_id
    fulfilled = asyncio.Event()
    responses: list[str] = []
    page.on("response", lambda response: responses.append(response.url))

    async def delay(route: Route) -> None:
        snapshot = await route.fetch()
        await web_server.bob.set_typing(conversation_id, root, 30)
        await expect(page.locator("#writers")).to_have_text("bob is writing …")
        responses.clear()
        await route.fulfill(response=snapshot)
        fulfilled.set()

    await page.route("**/presence", delay)
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root}")
    await fulfilled.wait()
    await until(lambda: any(url.endswith("/unread") for url in responses))
    await expect(page.locator("#writers")).to_have_text("bob is writing …")


async def test_a_small_screen_shows_one_pane_without_overflow(
    web_server: WebServer, page: Page
) -> None:
    """Navigation leads from conversations to threads to messages and back."""
    conversation_id = await create_group(web_server, "Small")
    wide = "x" * 500 + "\n\n```\n" + "y" * 500 + "\n```"
    await web_server.bob.post_root(UUID(conversation_id), PostMessage(wide))
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


async def test_the_page_loads_nothing_from_other_servers(web_server: WebServer, page: Page) -> None:
    """Every request goes to its own server."""
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    await sign_in(web_server, page)
    assert urls
    assert [url for url in urls if not url.startswith(web_server.origin)] == []
