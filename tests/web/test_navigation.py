"""Going from place to place: where the focus and the text go, and what a bad address shows."""

import asyncio
from uuid import UUID

import pytest
from playwright.async_api import Page, Route, expect
from tests.support.clients.web_users import WebServer, create_group, read_everything, sign_in
from tests.support.wait import until

from rustygpt_shared.requests import PostMessage

pytestmark = pytest.mark.xdist_group("live")

MESSAGE = "Message"
NOWHERE = UUID(int=7)


async def _two_threads(web_server: WebServer, page: Page, title: str) -> tuple[str, UUID, UUID]:
    """Open the first of two threads of Bob's; return the conversation and the roots."""
    conversation_id = await create_group(web_server, title)
    first = await web_server.bob.post_root(UUID(conversation_id), PostMessage("First thread"))
    second = await web_server.bob.post_root(UUID(conversation_id), PostMessage("Second thread"))
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{first.root_id}")
    await expect(page.locator("#target-words")).to_have_text("↳ to bob: First thread")
    return conversation_id, first.root_id, second.root_id


async def test_n_goes_through_all_threads_and_types_nothing(
    web_server: WebServer, page: Page
) -> None:
    """A thread that n opened has the focus on its messages, so that n leads on."""
    await read_everything(web_server.ada)
    conversation_id = await create_group(web_server, "All of them")
    texts = ["One", "Two", "Three"]
    for text in texts:
        await web_server.bob.post_root(UUID(conversation_id), PostMessage(text))
    await sign_in(web_server, page, f"#/c/{conversation_id}")
    await expect(page.locator("#threads a")).to_have_count(3)
    for text in reversed(texts):
        await page.keyboard.press("n")
        await expect(page.locator(".message", has_text=text)).to_be_visible()
        await expect(page.locator("#scroll")).to_be_focused()
        await expect(page.locator("#threads [aria-current] .badge")).to_be_hidden()
    for _ in range(2):
        await page.keyboard.press("n")
    await expect(page.locator("#announcer")).to_have_text("There is nothing unread.")
    await expect(page.get_by_label(MESSAGE, exact=True)).to_have_value("")


async def test_a_click_leads_to_the_messages_and_a_new_thread_to_the_composer(
    web_server: WebServer, page: Page
) -> None:
    """Reading goes on where one reads, writing where one writes."""
    await _two_threads(web_server, page, "Focus")
    await page.locator("#threads a", has_text="Second").click()
    await expect(page.locator(".message", has_text="Second thread")).to_be_visible()
    await expect(page.locator("#scroll")).to_be_focused()
    await page.get_by_role("link", name="New thread").click()
    await expect(page.get_by_label(MESSAGE, exact=True)).to_be_focused()


async def test_text_typed_while_a_thread_opens_belongs_to_it(
    web_server: WebServer, page: Page
) -> None:
    """From the click on: nothing of it goes to the thread before, and Enter sends nothing yet."""
    _, first, second = await _two_threads(web_server, page, "Slow")
    allowed = asyncio.Event()

    async def delay(route: Route) -> None:
        await allowed.wait()
        await route.continue_()

    await page.route(f"**/api/threads/{second}/**", delay)
    composer = page.get_by_label(MESSAGE, exact=True)
    await composer.fill("For the first")
    await page.locator("#threads a", has_text="Second").click()
    await expect(page.locator("#thread-title")).to_have_text("Second thread")
    await expect(composer).to_have_value("")
    await composer.press_sequentially("For the second")
    await page.keyboard.press("Enter")
    await expect(page.locator("#composer-error")).to_contain_text("still being opened")
    allowed.set()
    await expect(page.locator("#target-words")).to_have_text("↳ to bob: Second thread")
    await expect(composer).to_have_value("For the second")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message:not(.pending)", has_text="For the second")).to_be_visible()
    contents = [m.content for m in (await web_server.bob.list_tree(second)).messages]
    assert contents == ["Second thread", "For the second"]
    assert len((await web_server.bob.list_tree(first)).messages) == 1
    await page.locator("#threads a", has_text="First").click()
    await expect(composer).to_have_value("For the first")


async def test_a_late_thread_does_not_replace_the_one_that_was_opened_after_it(
    web_server: WebServer, page: Page
) -> None:
    """Neither its messages nor its failure."""
    _, _, second = await _two_threads(web_server, page, "Late")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    await page.route(f"**/api/threads/{second}/**", hold)
    await page.locator("#threads a", has_text="Second").click()
    await until(lambda: bool(held))
    await page.locator("#threads a", has_text="First").click()
    await expect(page.locator("#target-words")).to_have_text("↳ to bob: First thread")
    async with page.expect_response(lambda response: str(second) in response.url):
        await held[0].fulfill(status=404, json={"detail": "Not found.", "code": "RGP.404"})
    await expect(page.locator("#thread-title")).to_have_text("First thread")
    await expect(page.get_by_label(MESSAGE, exact=True)).to_be_visible()


async def test_a_bad_address_leaves_no_thread_to_write_to(
    web_server: WebServer, page: Page
) -> None:
    """It shows what is missing; a good address shows its thread again."""
    conversation_id, first, _ = await _two_threads(web_server, page, "Bad")
    reply = await web_server.bob.reply(first, PostMessage("No root"))
    other_id = await create_group(web_server, "Elsewhere")
    other = await web_server.bob.post_root(UUID(other_id), PostMessage("Elsewhere"))
    inside = f"#/c/{conversation_id}"
    for address, sentence in [
        ("#/c/xxx", "no such conversation"),
        (f"#/c/{NOWHERE}", "no such conversation"),
        (f"#/c/{NOWHERE}/new", "no such conversation"),
        (f"{inside}/t/xxx", "no such thread"),
        (f"{inside}/t/{NOWHERE}", "no such thread"),
        (f"{inside}/t/{reply.message_id}", "no such thread"),
        (f"{inside}/t/{other.root_id}", "no such thread"),
    ]:
        await page.evaluate("address => { location.hash = address; }", address)
        await expect(page.locator("#nothing")).to_contain_text(sentence)
        await expect(page.locator(".message")).to_have_count(0)
        await expect(page.get_by_label(MESSAGE, exact=True)).to_be_hidden()
        await page.evaluate("address => { location.hash = address; }", f"{inside}/t/{first}")
        await expect(page.locator(".message", has_text="No root")).to_be_visible()
        await expect(page.get_by_label(MESSAGE, exact=True)).to_be_visible()


async def test_an_address_of_no_message_opens_the_end_with_a_sentence(
    web_server: WebServer, page: Page
) -> None:
    """Whether it is no id at all, or one that is gone."""
    conversation_id, first, _ = await _two_threads(web_server, page, "Junk")
    thread = f"#/c/{conversation_id}/t/{first}"
    for message in ["junk", str(NOWHERE)]:
        address = f"{thread}/m/{message}"
        await page.evaluate("address => { location.hash = address; }", address)
        await expect(page.locator("#nothing")).to_contain_text("is not there")
        await expect(page.locator(".message", has_text="First thread")).to_be_visible()
        await page.evaluate("address => { location.hash = address; }", thread)
        await expect(page.locator("#nothing")).to_have_text("")


async def test_who_may_only_read_gets_no_composer(web_server: WebServer, page: Page) -> None:
    """A sentence instead, and no Reply buttons; a change of the role changes that at once."""
    conversation_id, _, _ = await _two_threads(web_server, page, "Viewer")
    ada, bob = [(await client.me()).user.id for client in (web_server.ada, web_server.bob)]
    await web_server.ada.add_participant(UUID(conversation_id), bob, "owner")
    composer = page.get_by_label(MESSAGE, exact=True)
    await expect(page.get_by_role("button", name="Reply")).to_be_visible()
    await web_server.bob.add_participant(UUID(conversation_id), ada, "viewer")
    await expect(composer).to_be_hidden()
    await expect(page.get_by_text("You may read here, not write.")).to_be_visible()
    await expect(page.get_by_role("button", name="Reply")).to_have_count(0)
    await page.reload()
    await expect(page.locator(".message", has_text="First thread")).to_be_visible()
    await expect(composer).to_be_hidden()
    await expect(page.get_by_role("link", name="New thread")).to_be_hidden()
    await web_server.bob.add_participant(UUID(conversation_id), ada, "member")
    await expect(composer).to_be_visible()
    await expect(page.get_by_role("button", name="Reply")).to_be_visible()
