"""What is typed and pasted: input methods, texts that are too long, failures that are said."""

from uuid import UUID

import pytest
from playwright.async_api import Page, Route, expect
from tests.support.clients.web_users import WebServer, create_group, sign_in

from rustygpt_shared.requests import PostMessage

pytestmark = pytest.mark.xdist_group("live")

PASTE = """(text) => {
  const field = document.getElementById("text");
  field.focus();
  const event = new InputEvent("beforeinput", {
    inputType: "insertFromPaste", data: text, bubbles: true, cancelable: true,
  });
  if (field.dispatchEvent(event)) document.execCommand("insertText", false, text);
}"""


async def _open_thread(web_server: WebServer, page: Page, title: str) -> UUID:
    conversation_id = await create_group(web_server, title)
    root = await web_server.bob.post_root(UUID(conversation_id), PostMessage("Root"))
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root.root_id}")
    await expect(page.locator(".message")).to_have_count(1)
    return root.root_id


async def test_a_paste_beyond_the_limit_is_refused_with_words(
    web_server: WebServer, page: Page
) -> None:
    """What was written stays; nothing is cut, and characters are counted as the server counts."""
    await _open_thread(web_server, page, "Pasted")
    field = page.get_by_label("Message", exact=True)
    await field.fill("before ")
    await page.evaluate(PASTE, "\U0001f980" * 65_530)
    await expect(page.locator("#composer-error")).to_contain_text("has 65,530 characters")
    await expect(field).to_have_value("before ")
    await page.evaluate(PASTE, "\U0001f980" * 65_529)
    assert await field.evaluate("e => [...e.value].length") == 65_536
    await page.keyboard.press("Enter")
    await expect(page.locator(".message")).to_have_count(2)
    await expect(field).to_have_value("")


async def test_a_text_beyond_the_limit_is_not_sent(web_server: WebServer, page: Page) -> None:
    """It stays, and the sentence says by how much."""
    await _open_thread(web_server, page, "Long")
    field = page.get_by_label("Message", exact=True)
    await field.fill("x" * 65_537)
    await page.keyboard.press("Enter")
    await expect(page.locator("#composer-error")).to_contain_text("has 65,537 characters")
    assert await field.evaluate("e => e.value.length") == 65_537
    await expect(page.locator(".message")).to_have_count(1)


async def test_lines_and_addresses_are_shown_as_they_were_written(
    web_server: WebServer, page: Page
) -> None:
    """Shift+Enter breaks the line in the message too, and a bare address is a link."""
    await _open_thread(web_server, page, "Lines")
    field = page.get_by_label("Message", exact=True)
    await field.fill("first line")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("see https://a.example/b_c.")
    await page.keyboard.press("Enter")
    text = page.locator(".message .text").nth(1)
    await expect(text.locator("a")).to_have_attribute("href", "https://a.example/b_c")
    assert await text.evaluate("e => e.innerText.trim()") == (
        "first line\nsee https://a.example/b_c."
    )


async def test_enter_in_an_input_method_sends_nothing(web_server: WebServer, page: Page) -> None:
    """Also where only the key code 229 says that it belongs to one."""
    await _open_thread(web_server, page, "Composing")
    field = page.get_by_label("Message", exact=True)
    await field.fill("にほん")
    for options in ("{isComposing: true}", "{keyCode: 229}"):
        prevented = await field.evaluate(
            "(e, o) => !e.dispatchEvent(new KeyboardEvent('keydown',"
            " {key: 'Enter', bubbles: true, cancelable: true, ...eval('(' + o + ')')}))",
            options,
        )
        assert not prevented
    await expect(field).to_have_value("にほん")
    await page.keyboard.press("Enter")
    await expect(field).to_have_value("")


async def test_a_title_that_is_too_long_is_refused_not_cut(
    web_server: WebServer, page: Page
) -> None:
    """The server's sentence is shown, and the title stays."""
    await sign_in(web_server, page)
    title = page.get_by_label("Title of a new conversation")
    await title.fill("x" * 257)
    await page.get_by_role("button", name="Create").click()
    await expect(page.locator("#list-error")).to_contain_text("at most 256 characters")
    assert await title.evaluate("e => e.value.length") == 257


@pytest.mark.parametrize("width", [1280, 800, 390])
async def test_a_sign_out_that_failed_says_so(
    web_server: WebServer, page: Page, width: int
) -> None:
    """At every width; the page stays, as the session does."""
    await page.set_viewport_size({"width": width, "height": 800})
    await sign_in(web_server, page)
    await page.route("**/api/auth/logout", lambda route: route.abort())
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.locator("#notice")).to_be_visible()
    await expect(page.locator("#notice")).to_contain_text("You are still signed in.")
    await page.get_by_role("button", name="Dismiss").click()
    await expect(page.locator("#notice")).to_be_hidden()
    await page.unroute("**/api/auth/logout")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 800, 390])
async def test_the_first_list_follows_when_the_server_is_away(
    web_server: WebServer, page: Page, width: int
) -> None:
    """The page says that it waits, and shows the list when it comes."""
    await create_group(web_server, "Follows later")
    await page.set_viewport_size({"width": width, "height": 800})
    await sign_in(web_server, page)
    is_away = True

    async def answer(route: Route) -> None:
        await (route.abort() if is_away else route.continue_())

    await page.route("**/api/conversations?**", answer)
    await page.reload()
    await expect(page.locator("#notice")).to_be_visible()
    is_away = False
    await expect(page.locator("#conversations a", has_text="Follows later").first).to_be_visible()
    await expect(page.locator("#notice")).to_be_hidden()


async def test_a_page_whose_files_did_not_load_starts_by_itself(
    web_server: WebServer, page: Page
) -> None:
    """The server restarted while the page loaded: it says so, and loads again."""
    is_away = True

    async def answer(route: Route) -> None:
        await (route.abort() if is_away else route.continue_())

    await page.route("**/js/store.js", answer)
    await page.route("**/healthz", answer)
    await page.goto(web_server.origin)
    await expect(page.locator("#starting")).to_contain_text("The server cannot be reached")
    is_away = False
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
