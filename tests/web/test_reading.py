"""Read means seen: the mark moves over what was visible, and over nothing else."""

from uuid import UUID

import pytest
from playwright.async_api import Page, expect
from tests.support.clients.web_users import WebServer, create_group, read_everything, sign_in
from tests.web.large_thread import fill_thread
from tests.web.waiting import until_async

from rustygpt_shared.models.messages import PostedMessage
from rustygpt_shared.requests import CreateConversation, PostMessage

pytestmark = pytest.mark.xdist_group("live")

TALL = "\n\n".join(f"Paragraph {number} of a long message." for number in range(60))
SCROLL_TO_TOP = "document.getElementById('scroll').scrollTop = 0"
SCROLL_TO_END = "document.getElementById('scroll').scrollTop = 1e9"


async def _unread(web_server: WebServer, conversation_id: str) -> int:
    listed = (await web_server.ada.list_unread(UUID(conversation_id))).threads
    return sum(thread.unread for thread in listed)


async def _until_unread(web_server: WebServer, conversation_id: str, count: int) -> None:
    async def is_so() -> bool:
        return await _unread(web_server, conversation_id) == count

    await until_async(is_so)


async def _thread(web_server: WebServer, title: str) -> tuple[str, PostedMessage]:
    """Create a group with a root of Bob's that Ada has not read."""
    await read_everything(web_server.ada)
    conversation_id = await create_group(web_server, title)
    root = await web_server.bob.post_root(UUID(conversation_id), PostMessage("Root"))
    return conversation_id, root


async def test_what_is_visible_is_read(web_server: WebServer, page: Page) -> None:
    """Counts in the lists and in the title go away once the messages were visible."""
    conversation_id, root = await _thread(web_server, "Counted")
    await sign_in(web_server, page, f"#/c/{conversation_id}")
    await web_server.bob.reply(root.message_id, PostMessage("Also"))
    row = page.locator("#threads a", has_text="Root")
    await expect(row.locator(".badge")).to_contain_text("2")
    await expect(page).to_have_title("(2) Counted")
    assert await _unread(web_server, conversation_id) == 2
    await row.click()
    await expect(page.locator(".divider")).to_have_count(1)
    await expect(page.locator(".message").first.locator(".divider")).to_have_text("New")
    await expect(page.locator("#threads .badge")).to_be_hidden()
    await expect(page).to_have_title("Counted")
    await _until_unread(web_server, conversation_id, 0)


async def test_a_reply_far_above_stays_unread_until_it_is_seen(
    web_server: WebServer, page: Page
) -> None:
    """A button shows that there is one, and n leads to it."""
    conversation_id, root = await _thread(web_server, "Above")
    first = await web_server.bob.reply(root.message_id, PostMessage("First branch"))
    last = await web_server.bob.reply(root.message_id, PostMessage("Second branch"))
    for _ in range(3):
        last = await web_server.bob.reply(last.message_id, PostMessage(TALL))
    await read_everything(web_server.ada)
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root.root_id}")
    await expect(page.locator(".message")).to_have_count(6)
    await expect(page.locator("#to-end")).to_be_hidden()
    await web_server.bob.reply(first.message_id, PostMessage("Far above"))
    await web_server.bob.reply(last.message_id, PostMessage("At the end"))
    await expect(page.locator("#unread-above")).to_have_text("↑ 1 new")
    await expect(page.locator(".message", has_text="At the end")).to_be_in_viewport()
    await expect(page.locator("#threads .badge")).to_contain_text("1")
    await page.locator("#scroll").focus()
    await page.keyboard.press("n")
    await expect(page.locator(".message", has_text="Far above")).to_be_in_viewport()
    await _until_unread(web_server, conversation_id, 0)
    await expect(page.locator("#unread-above")).to_be_hidden()


async def test_what_was_skipped_stays_unread(web_server: WebServer, page: Page) -> None:
    """A jump to the end reads the end only; the mark stays before what was skipped."""
    conversation_id, root = await _thread(web_server, "Skipped")
    last = root
    for number in range(4):
        text = f"Start {number}\n\n{TALL}"
        last = await web_server.bob.reply(last.message_id, PostMessage(text))
    await web_server.bob.reply(last.message_id, PostMessage("The end"))
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root.root_id}")
    await expect(page.locator("#to-end")).to_contain_text("new")
    await _until_unread(web_server, conversation_id, 5)  # the root was seen
    await page.evaluate(SCROLL_TO_END)
    await expect(page.locator("#unread-above")).to_have_text("↑ 4 new")
    # The page does not count the end, which was seen; the server's mark is before what was not.
    await expect(page.locator("#threads .badge")).to_contain_text("4")
    assert await _unread(web_server, conversation_id) == 5
    await page.locator("#unread-above").click()
    await expect(page.locator(".message", has_text="Start 0")).to_be_in_viewport()
    await expect(page.locator("#scroll")).to_be_focused()
    await page.reload()
    await expect(page.locator(".message", has_text="Start 0").locator(".divider")).to_be_visible()
    assert await _unread(web_server, conversation_id) == 5


async def test_a_page_without_focus_reads_nothing(web_server: WebServer, page: Page) -> None:
    """Opening marks nothing either: the messages stay unread until somebody looks."""
    conversation_id, root = await _thread(web_server, "Unfocused")
    await page.add_init_script("document.hasFocus = () => Boolean(window.isLooking);")
    await page.clock.install()
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root.root_id}")
    await expect(page.locator(".message")).to_have_count(1)
    await page.clock.run_for(3_000)  # far longer than a message has to be visible for
    assert await _unread(web_server, conversation_id) == 1
    await page.evaluate("window.isLooking = true")
    await _until_unread(web_server, conversation_id, 0)


async def test_a_thread_can_be_marked_read_and_unread(web_server: WebServer, page: Page) -> None:
    """M reads all of it; u keeps it unread from a message on until it is opened again."""
    conversation_id, root = await _thread(web_server, "Marked")
    last = root
    for number in range(3):
        last = await web_server.bob.reply(last.message_id, PostMessage(f"M{number}\n\n{TALL}"))
    await page.clock.install()
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root.root_id}")
    await expect(page.locator("#to-end")).to_contain_text("new")
    await page.locator("#scroll").focus()
    await page.keyboard.press("m")
    await _until_unread(web_server, conversation_id, 0)
    await expect(page.locator("#threads .badge")).to_be_hidden()
    await page.locator(".message", has_text="M1").get_by_role("button", name="Reply").focus()
    await page.keyboard.press("u")
    await _until_unread(web_server, conversation_id, 2)
    await expect(page.locator(".message", has_text="M1").locator(".divider")).to_be_visible()
    await page.evaluate(SCROLL_TO_END)
    await page.clock.run_for(3_000)
    assert await _unread(web_server, conversation_id) == 2
    await expect(page.locator("#threads .badge")).to_contain_text("2")


async def test_n_goes_through_threads_and_conversations_and_ends(
    web_server: WebServer, page: Page
) -> None:
    """First in the thread, then in the next thread, then in another conversation."""
    other_id, other = await _thread(web_server, "Another")
    conversation_id, root = await _thread(web_server, "Through")
    await read_everything(web_server.ada)
    await web_server.bob.reply(other.message_id, PostMessage("In another conversation"))
    second = await web_server.bob.post_root(UUID(conversation_id), PostMessage("Second thread"))
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root.root_id}")
    await expect(page.locator(".message")).to_have_count(1)
    await page.keyboard.press("n")
    await expect(page.locator("#thread-title")).to_have_text("Second thread")
    await _until_unread(web_server, conversation_id, 0)
    assert str(second.root_id) in page.url
    await page.keyboard.press("n")
    await expect(page.locator(".message", has_text="In another")).to_be_in_viewport()
    await _until_unread(web_server, other_id, 0)
    await page.keyboard.press("n")
    await expect(page.locator("#announcer")).to_have_text("There is nothing unread.")


async def test_counts_stop_at_a_thousand_and_the_divider_stands(
    web_server: WebServer, page: Page, web_database_url: str
) -> None:
    """1000+ is shown; the thread opens at the divider. A part of a count is never shown as one."""
    conversation_id, root = await _thread(web_server, "Many")
    await read_everything(web_server.ada)
    bob = (await web_server.bob.me()).user.id
    await fill_thread(web_database_url, root.root_id, bob, 1_500)
    await sign_in(web_server, page, f"#/c/{conversation_id}")
    await expect(page.locator("#threads .badge")).to_contain_text("1000+")
    await page.locator("#threads a").click()
    row = page.locator(".message", has_text="message 1 of")
    await expect(row.locator(".divider")).to_be_in_viewport()
    await expect(page.locator("#to-end")).to_have_text("↓ 1000+ new")

    async def is_partly_read() -> bool:
        threads = (await web_server.ada.list_threads(UUID(conversation_id))).threads
        return threads[0].read_seq > 1

    await until_async(is_partly_read)
    await expect(page.locator("#to-end")).to_have_text("↓ 1000+ new")
    await page.locator("#threads a").press("End")
    await expect(page.locator("#unread-above")).to_have_text("↑ new")
    await page.evaluate("document.getElementById('scroll').scrollBy(0, -2000)")
    await expect(page.locator("#to-end")).not_to_contain_text("+")
    await page.locator("#unread-above").click()
    await expect(page.locator("#to-end")).to_have_text("↓ 1000+ new")


async def test_an_answer_is_read_when_its_end_was_seen(web_server: WebServer, page: Page) -> None:
    """Not while it streams: the server counts it as unread, and the page waits for its end."""
    conversation_id = await web_server.ada.create_conversation(CreateConversation("Streamed"))
    await sign_in(web_server, page, f"#/c/{conversation_id}/new")
    await page.get_by_label("Message", exact=True).fill("Go on")
    await page.keyboard.press("Enter")
    await expect(page.locator(".assistant .text.streaming")).to_be_visible()
    await _until_unread(web_server, str(conversation_id), 1)
    await expect(page.locator("#threads .badge")).to_be_hidden()
    await expect(page.locator(".assistant .text table")).to_be_visible()
    await _until_unread(web_server, str(conversation_id), 0)
    await expect(page.locator("#threads .badge")).to_be_hidden()
