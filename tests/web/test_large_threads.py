"""Threads of any size: a window of messages, few rows, and a place that stays."""

from uuid import UUID

import pytest
from playwright.async_api import Page, Response, expect
from tests.support.clients.web_users import WebServer, create_group, read_everything, sign_in
from tests.web.large_thread import fill_thread, message_id

from rustygpt_shared.requests import PostMessage

pytestmark = pytest.mark.xdist_group("live")

MAX_ROWS = 300
MAX_TREE_BYTES = 400_000
SCROLL = """async ([direction, steps]) => {
  const scroll = document.getElementById("scroll");
  const jumps = [];
  let rows = 0;
  for (let step = 0; step < steps; step += 1) {
    const top = scroll.getBoundingClientRect().top;
    const row = [...document.querySelectorAll(".message")]
      .find((element) => element.getBoundingClientRect().bottom > top + 1);
    const before = row.getBoundingClientRect().top;
    const moved = Math.max(-scroll.scrollTop,
      Math.min(direction * 600, scroll.scrollHeight - scroll.clientHeight - scroll.scrollTop));
    scroll.scrollTop += moved;
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    if (row.isConnected) jumps.push(Math.abs(before - moved - row.getBoundingClientRect().top));
    rows = Math.max(rows, document.querySelectorAll(".message").length);
  }
  return [Math.max(...jumps), rows];
}"""


async def _filled(web_server: WebServer, database_url: str, count: int) -> tuple[str, UUID]:
    conversation_id = await create_group(web_server, f"Large {count}")
    root = (await web_server.bob.post_root(UUID(conversation_id), PostMessage("Root"))).root_id
    await fill_thread(database_url, root, (await web_server.bob.me()).user.id, count)
    return conversation_id, root


async def test_a_thread_opens_at_its_end_with_one_page(
    web_server: WebServer, page: Page, web_database_url: str
) -> None:
    """Whatever its size; the first page up is fetched beforehand."""
    for count in (300, 10_000, 100_000):
        conversation_id, root = await _filled(web_server, web_database_url, count)
        await read_everything(web_server.ada)
        sizes: list[int] = []

        async def on_response(response: Response, sizes: list[int] = sizes) -> None:
            if "/tree?" in response.url:
                sizes.append(len(await response.body()))

        page.on("response", on_response)
        address = f"#/c/{conversation_id}/t/{root}"
        if count == 300:
            await sign_in(web_server, page, address)
        else:
            await page.goto(f"{web_server.origin}/{address}")
        await expect(
            page.locator(f"#messages [data-key='{message_id(root, count)}']")
        ).to_be_in_viewport()
        await expect(page.locator("#to-end")).to_be_hidden()
        page.remove_listener("response", on_response)
        assert sum(sizes) < MAX_TREE_BYTES
        assert len(sizes) <= 3
        assert await page.locator(".message").count() <= MAX_ROWS


async def test_scrolling_both_ways_keeps_the_place_and_few_rows(
    web_server: WebServer, page: Page, web_database_url: str
) -> None:
    """The row at the top of the view moves exactly as far as the view was scrolled."""
    conversation_id, root = await _filled(web_server, web_database_url, 3_000)
    await read_everything(web_server.ada)
    middle = message_id(root, 1_500)
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root}/m/{middle}")
    await expect(page.locator(f"#messages [data-key='{middle}']")).to_be_in_viewport()
    await expect(page.locator(f"#messages [data-key='{middle}']")).to_have_class(
        "message user linked"
    )
    for direction in (-1, 1, -1):
        jump, rows = await page.evaluate(SCROLL, [direction, 80])
        assert jump <= 1
        assert rows <= MAX_ROWS


async def test_end_and_home_reach_the_ends_of_a_thread(
    web_server: WebServer, page: Page, web_database_url: str
) -> None:
    """100,000 messages away, without loading what lies between."""
    conversation_id, root = await _filled(web_server, web_database_url, 100_000)
    await read_everything(web_server.ada)
    middle = message_id(root, 50_000)
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root}/m/{middle}")
    await expect(page.locator(f"#messages [data-key='{middle}']")).to_be_in_viewport()
    await page.locator("#scroll").focus()
    await page.keyboard.press("Home")
    await expect(page.locator(f"#messages [data-key='{root}']")).to_be_in_viewport()
    await page.keyboard.press("End")
    await expect(
        page.locator(f"#messages [data-key='{message_id(root, 100_000)}']")
    ).to_be_in_viewport()
    assert await page.locator(".message").count() <= MAX_ROWS
    await web_server.bob.reply(root, PostMessage("After all of them"))
    await expect(page.locator(".message", has_text="After all of them")).to_be_in_viewport()
    size = await page.locator(".message").last.get_attribute("aria-setsize")
    assert size in (None, "100002")


async def test_a_parent_elsewhere_is_named_and_linked(
    web_server: WebServer, page: Page, web_database_url: str
) -> None:
    """The link leads to it, though it is not loaded."""
    conversation_id, root = await _filled(web_server, web_database_url, 1_000)
    await read_everything(web_server.ada)
    far = UUID(message_id(root, 5))
    await web_server.bob.reply(far, PostMessage("An answer to an early message"))
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root}/m/{message_id(root, 996)}")
    row = page.locator(f"#messages [data-key='{message_id(root, 996)}']")
    await expect(row.locator(".parent")).to_have_text("↳ bob: Root")
    await row.locator(".parent").click()
    await expect(page.locator(f"#messages [data-key='{root}']")).to_be_in_viewport()


async def test_what_one_posts_far_away_is_shown(
    web_server: WebServer, page: Page, web_database_url: str
) -> None:
    """An answer in the middle of a large thread appears in its place."""
    conversation_id, root = await _filled(web_server, web_database_url, 2_000)
    await read_everything(web_server.ada)
    middle = message_id(root, 1_005)
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root}/m/{middle}")
    row = page.locator(f"#messages [data-key='{middle}']")
    await row.get_by_role("button", name="Reply").click()
    await page.keyboard.type("In its place")
    await page.keyboard.press("Enter")
    posted = page.locator(".message:not(.pending)", has_text="In its place")
    await expect(posted).to_be_in_viewport()
    following = await posted.evaluate("(row) => row.nextElementSibling.dataset.key")
    assert following == message_id(root, 1_006)


async def test_a_link_to_a_message_that_is_gone_opens_the_end(
    web_server: WebServer, page: Page, web_database_url: str
) -> None:
    """The thread is readable all the same."""
    conversation_id, root = await _filled(web_server, web_database_url, 200)
    await read_everything(web_server.ada)
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root}/m/{UUID(int=7)}")
    end = page.locator(f"#messages [data-key='{message_id(root, 200)}']")
    await expect(end).to_be_in_viewport()
