"""The page with the API's documents, in a browser."""

import pytest
from playwright.async_api import Page, expect
from tests.support.clients.axe import broken_rules

pytestmark = pytest.mark.xdist_group("live")


async def test_the_search_finds_operations_and_schemas(fresh_origin: str, page: Page) -> None:
    """All words have to be in an entry; what is not found is hidden, with its section."""
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    await page.goto(f"{fresh_origin}/docs")
    await page.keyboard.press("/")
    await expect(page.get_by_label("Search")).to_be_focused()
    await page.keyboard.type("reply POST idempotency")
    await expect(page.locator("#count")).to_have_text("1 found")
    await expect(page.locator("#reply")).to_be_visible()
    await expect(page.locator("#post_root")).to_be_hidden()
    await expect(page.get_by_role("heading", name="Schemas")).to_be_hidden()
    await page.get_by_label("Search").fill("no such thing")
    await expect(page.locator("#count")).to_have_text("0 found")
    assert all(url.startswith(fresh_origin) for url in requests)


async def test_links_open_the_schema(fresh_origin: str, page: Page) -> None:
    """Also by the address of the page."""
    await page.goto(f"{fresh_origin}/docs#reply")
    await expect(page.locator("#reply pre").first).to_be_visible()
    await page.locator("#reply").get_by_role("link", name="PostedMessage").click()
    await expect(page.locator("#schema-PostedMessage dt").first).to_be_visible()


async def test_the_page_is_accessible_in_both_themes(fresh_origin: str, page: Page) -> None:
    """Axe finds nothing, with closed and with open entries."""
    await page.goto(f"{fresh_origin}/docs")
    assert await broken_rules(page) == []
    await page.evaluate(
        "for (const entry of document.querySelectorAll('#reply, #schema-MessageView'))"
        " entry.open = true"
    )
    assert await broken_rules(page) == []
    await page.set_viewport_size({"width": 360, "height": 640})
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
