"""Hostile messages in a real browser: no script runs, nothing is loaded, no part is imitated."""

from uuid import UUID

import pytest
from playwright.async_api import Dialog, Page, expect
from tests.support.attacks import PAGE
from tests.support.clients.web_users import WebServer, create_group, sign_in

from rustygpt_shared.requests import PostMessage

pytestmark = pytest.mark.xdist_group("live")

PER_MESSAGE = 40
ALLOWED = [
    *("A", "B", "BLOCKQUOTE", "BR", "CODE", "DEL", "DIV", "EM", "H3", "H4", "H5", "H6", "HR", "I"),
    *("INPUT", "LI", "OL", "P", "PRE", "S", "SPAN", "STRONG", "SUB", "SUP"),
    *("TABLE", "TBODY", "TD", "TH", "THEAD", "TR", "UL"),
]
FOUND = """(allowed) => {
  const wrong = [];
  for (const element of document.querySelectorAll("#messages .text *, .list *")) {
    const inText = element.closest(".text");
    if (inText && !allowed.includes(element.nodeName)) wrong.push(element.outerHTML);
    for (const { name, value } of element.attributes) {
      const isLink = name === "href" && !/^(https?:|mailto:|#)/.test(value);
      const isForeign = inText && ["id", "style", "src", "action", "formaction"].includes(name);
      if (name.startsWith("on") || isLink || isForeign) wrong.push(element.outerHTML);
    }
  }
  return wrong;
}"""


def _messages() -> list[str]:
    """Return the attacks as few messages, each attack in a paragraph of its own."""
    groups = [PAGE[at : at + PER_MESSAGE] for at in range(0, len(PAGE), PER_MESSAGE)]
    return ["\n\n".join(group) for group in groups]


async def test_no_attack_in_a_message_has_an_effect(web_server: WebServer, page: Page) -> None:
    """As it arrives, as it is loaded again, as a title, and as one's own while it is sent."""
    assert len(PAGE) > 200

    def on_dialog(dialog: Dialog) -> None:
        dialogs.append(dialog.message)

    dialogs: list[str] = []
    requests: list[str] = []
    page.on("dialog", on_dialog)
    page.on("request", lambda request: requests.append(request.url))
    conversation_id = await create_group(web_server, PAGE[0][:200])
    root = await web_server.bob.post_root(UUID(conversation_id), PostMessage(PAGE[1]))
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root.root_id}")
    await expect(page.locator(".message")).to_have_count(1)
    await expect(page.locator("#connection")).to_have_text("Live")
    messages = _messages()
    for number, content in enumerate(messages):
        await web_server.bob.reply(root.message_id, PostMessage(content))
        await expect(page.locator(".message")).to_have_count(number + 2)
    field = page.get_by_label("Message", exact=True)
    for number, content in enumerate(messages, len(messages) + 2):
        await field.fill(content)
        await page.keyboard.press("Enter")
        await expect(page.locator(".message")).to_have_count(number)
        assert await page.evaluate(FOUND, ALLOWED) == []
    await page.reload()
    await expect(page.locator(".message").first).to_be_visible()
    assert await page.evaluate(FOUND, ALLOWED) == []
    assert await page.evaluate("window.__attacked") is None
    assert dialogs == []
    assert [url for url in requests if not url.startswith(web_server.origin)] == []
