"""An answer that streams can be read, selected and left while it grows."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect
from tests.support.clients.web_users import WebServer, sign_in
from tests.support.database import databases
from tests.support.fakes.fake_model_server import (
    FakeModelServer,
    ScriptedAnswer,
    chunk,
    fake_model_server,
    finished,
)
from tests.web.servers import signed_in_users, web_server_process

from rustygpt_shared.requests import CreateConversation

pytestmark = pytest.mark.xdist_group("live")

PARAGRAPHS = "".join(
    f"Paragraph {number} has **bold** words, `code` and a [link](https://example.org/{number}) "
    f"in a text that is long enough to fill more than a line of the page.\n\n"
    for number in range(30)
)
REST = """\
1. A list with *emphasis*
2. and a second item

- one
  - nested
- two

```python
def answer() -> int:
    return 42
```

| a | b |
| --- | --- |
| 1 | **2** |

> A quotation
> of two lines.

The last paragraph."""
PLACE_OF_WORD = """(word) => {
  const walker = document.createTreeWalker(
    document.querySelector(".assistant .text"), NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const at = node.data.indexOf(word);
    if (at < 0) continue;
    const range = document.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + word.length);
    return range.getBoundingClientRect().top;
  }
  return null;
}"""
SELECT_WORD = """(word) => {
  const walker = document.createTreeWalker(
    document.querySelector(".assistant .text"), NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const at = node.data.indexOf(word);
    if (at >= 0) {
      document.getSelection().setBaseAndExtent(node, at, node, at + word.length);
      return;
    }
  }
}"""
FRAME = "new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))"


@dataclass
class Answering:
    """A server whose model waits: first for `more`, then for `end`."""

    web_server: WebServer
    model: FakeModelServer
    more: asyncio.Event
    end: asyncio.Event


@pytest_asyncio.fixture(loop_scope="session")
async def answering(cluster_url: str, tmp_path: Path) -> AsyncIterator[Answering]:
    """A server with a model that answers in two parts."""
    more, end = asyncio.Event(), asyncio.Event()
    parts = [PARAGRAPHS[at : at + 7] for at in range(0, len(PARAGRAPHS), 7)]
    rest = [REST[at : at + 3] for at in range(0, len(REST), 3)]
    script = ScriptedAnswer([*map(chunk, parts), more, *map(chunk, rest), end, finished()])
    database_url = await databases.create(cluster_url)
    async with fake_model_server(script) as model:
        server = web_server_process(
            tmp_path, database_url, OPENAI_BASE_URL=model.url, OPENAI_API_KEY="key"
        )
        await server.start()
        try:
            async with signed_in_users(server.url) as web_server:
                yield Answering(web_server, model, more, end)
        finally:
            more.set()
            end.set()
            await server.stop()
            await databases.drop(cluster_url, database_url)


async def _ask(answering: Answering, page: Page) -> None:
    ada = answering.web_server.ada
    conversation_id = await ada.create_conversation(CreateConversation("Answers"))
    await sign_in(answering.web_server, page, f"#/c/{conversation_id}/new")
    await page.get_by_label("Message", exact=True).fill("Go on")
    await page.keyboard.press("Enter")
    await expect(page.locator(".assistant .text")).to_contain_text("Paragraph 29")


async def test_finished_blocks_are_rendered_while_the_answer_streams(
    answering: Answering, page: Page
) -> None:
    """And they are the same elements when it has ended."""
    await _ask(answering, page)
    await expect(page.locator(".assistant .text.streaming strong")).to_have_count(30)
    await page.evaluate(
        "document.querySelectorAll('.assistant p').forEach((p) => { p.old = true; })"
    )
    answering.more.set()
    await expect(page.locator(".assistant .text.streaming pre code")).to_contain_text("return 42")
    await expect(page.locator(".assistant .text.streaming li")).to_have_count(5)
    await expect(page.locator(".assistant .text.streaming td strong")).to_have_text("2")
    answering.end.set()
    await expect(page.locator(".assistant .text pre .k").first).to_have_text("def")
    await expect(page.locator(".assistant .text table td strong")).to_have_text("2")
    await expect(page.locator(".assistant .text li li")).to_have_text("nested")
    kept = "[...document.querySelectorAll('.assistant p')].filter((p) => p.old).length"
    assert await page.evaluate(kept) == 30


async def test_the_text_that_is_read_stays_where_it_is(answering: Answering, page: Page) -> None:
    """Any upward movement lets go of the end; neither growth nor the end moves the text."""
    await _ask(answering, page)
    await expect(page.locator(".assistant .text strong")).to_have_count(30)
    await page.locator("#scroll").hover()
    await page.mouse.wheel(0, -30)
    await page.evaluate(FRAME)
    await page.mouse.wheel(0, -600)
    word = "Paragraph 15"
    await expect(page.locator(".assistant p", has_text=word)).to_be_in_viewport()
    await page.evaluate(FRAME)
    before = await page.evaluate(PLACE_OF_WORD, word)
    answering.more.set()
    await expect(page.locator(".assistant .text")).to_contain_text("The last paragraph.")
    assert await page.evaluate(PLACE_OF_WORD, word) == pytest.approx(before, abs=1)
    answering.end.set()
    await expect(page.locator(".assistant .text pre .k").first).to_have_text("def")
    await page.evaluate(FRAME)
    assert await page.evaluate(PLACE_OF_WORD, word) == pytest.approx(before, abs=1)
    await expect(page.locator("#to-end")).to_be_visible()


@pytest.mark.parametrize("key", ["ArrowUp", "PageUp"])
async def test_a_key_upwards_lets_go_of_the_end(answering: Answering, page: Page, key: str) -> None:
    """However small the movement is."""
    await _ask(answering, page)
    await page.locator("#scroll").focus()
    await page.keyboard.press(key)
    await expect(page.locator("#to-end")).to_be_visible()
    before = await page.evaluate(PLACE_OF_WORD, "Paragraph 29")
    for _ in range(30):  # a smooth movement ends
        await page.evaluate(FRAME)
    settled = await page.evaluate(PLACE_OF_WORD, "Paragraph 29")
    answering.more.set()
    await expect(page.locator(".assistant .text")).to_contain_text("The last paragraph.")
    assert settled >= before
    assert await page.evaluate(PLACE_OF_WORD, "Paragraph 29") == pytest.approx(settled, abs=1)


async def test_the_view_follows_the_end_otherwise(answering: Answering, page: Page) -> None:
    """A reader at the end sees the end."""
    await _ask(answering, page)
    answering.more.set()
    await expect(page.locator(".assistant p", has_text="The last paragraph.")).to_be_in_viewport()
    answering.end.set()
    await expect(page.locator(".assistant .text pre .k").first).to_have_text("def")
    await expect(page.locator(".assistant p", has_text="The last paragraph.")).to_be_in_viewport()
    await expect(page.locator("#to-end")).to_be_hidden()


async def test_a_selection_stays(answering: Answering, page: Page) -> None:
    """In a finished block and in the code at the end, until the answer has ended and after it."""
    await _ask(answering, page)
    await page.evaluate(SELECT_WORD, "Paragraph 28")
    answering.more.set()
    await expect(page.locator(".assistant .text")).to_contain_text("The last paragraph.")
    assert await page.evaluate("String(document.getSelection())") == "Paragraph 28"
    await page.evaluate(SELECT_WORD, "return 42")
    answering.end.set()
    await expect(page.locator(".assistant .text table td strong")).to_have_text("2")
    await expect(page.locator(".assistant .note")).not_to_contain_text("answering")
    await page.evaluate(FRAME)
    assert await page.evaluate("String(document.getSelection())") == "return 42"


async def test_focus_never_falls_to_the_body(answering: Answering, page: Page) -> None:
    """After Send and after Stop, whose button becomes Reply."""
    focused = "document.activeElement !== document.body"
    await _ask(answering, page)
    assert await page.evaluate(focused)
    await page.get_by_role("button", name="Stop").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".assistant .note")).to_contain_text("stopped")
    assert await page.evaluate(focused)
    await page.get_by_label("Message", exact=True).fill("More")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".message.assistant")).to_have_count(2)
    assert await page.evaluate(focused)
    await page.get_by_role("link", name="RustyGPT").click()
    await expect(page.locator("#composer")).to_be_hidden()
    assert await page.evaluate(focused)
    answering.more.set()


async def test_another_tab_has_the_whole_answer(answering: Answering, page: Page) -> None:
    """It comes while the answer streams, and sees what was streamed before."""
    await _ask(answering, page)
    other = await page.context.new_page()
    await other.goto(page.url)
    text = other.locator(".assistant .text.streaming")
    await expect(text).to_contain_text("Paragraph 0 has")
    await expect(text).to_contain_text("Paragraph 29")
    answering.more.set()
    await expect(text).to_contain_text("The last paragraph.")
