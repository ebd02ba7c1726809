"""What people need who do not see the page as it was drawn: rules of axe, directions, print."""

import re
from uuid import UUID

import pytest
from playwright.async_api import Page, expect
from tests.support.clients.axe import broken_rules, violations
from tests.support.clients.web_users import PASSWORD, WebServer, create_group, sign_in
from tests.support.servers.server_process import ServerProcess

from rustygpt_shared.requests import CreateConversation, CreateInvite, PostMessage, UpdateMe
from rustygpt_tui.client.http import Client

pytestmark = pytest.mark.xdist_group("live")

MARKDOWN = """# Title of a message

A [link](https://example.org), `code` and **bold**.

- one
- two

> quoted

| left | right |
| :--- | ----: |
| a longword | 1 |

```python
def answer() -> int:
    return 42  # of course
```
"""


async def _thread(web_server: WebServer, title: str) -> str:
    """Create a group whose thread has Markdown and replies; return its address."""
    conversation_id = await create_group(web_server, title)
    root = await web_server.bob.post_root(UUID(conversation_id), PostMessage(MARKDOWN))
    reply = await web_server.ada.reply(root.message_id, PostMessage("A reply"))
    await web_server.bob.reply(reply.message_id, PostMessage("Deeper"))
    await web_server.bob.reply(root.message_id, PostMessage("Beside"))
    return f"#/c/{conversation_id}/t/{root.root_id}"


async def test_axe_finds_nothing_in_the_forms(new_server: ServerProcess, page: Page) -> None:
    """In the form of the set-up; that to sign in has the same parts."""
    await page.goto(new_server.url)
    await expect(page.get_by_role("heading", name="Welcome to RustyGPT")).to_be_visible()
    assert await broken_rules(page) == []


@pytest.mark.parametrize("size", [(1280, 800), (800, 600), (390, 844)])
async def test_axe_finds_nothing_in_any_pane(
    web_server: WebServer, page: Page, size: tuple[int, int]
) -> None:
    """At the start, with threads, in a thread, in a new one, and with a notice."""
    await page.set_viewport_size({"width": size[0], "height": size[1]})
    address = await _thread(web_server, "Axe")
    conversation = address.partition("/t/")[0]
    await sign_in(web_server, page)
    broken = await broken_rules(page)
    for place in (conversation, f"{conversation}/new", address, f"{conversation}/t/none"):
        await page.goto(f"{web_server.origin}/{place}")
        await expect(page.locator("#connection")).to_have_text("Live")
        if place == address:
            await expect(page.locator(".message")).to_have_count(4)
        if place.endswith("none"):
            await expect(page.locator("#notice")).to_be_visible()
        broken += [f"{place}: {rule}" for rule in await broken_rules(page)]
    assert broken == []


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
async def test_axe_finds_nothing_in_the_dialogs(
    web_server: WebServer, page: Page, size: tuple[int, int]
) -> None:
    """Those of the account and of invites, with lists and secrets; they fit the screen."""
    await page.set_viewport_size({"width": size[0], "height": size[1]})
    conversation_id = UUID(await create_group(web_server, "Dialogs"))
    await web_server.ada.create_invite(
        conversation_id, CreateInvite(email=f"{'z' * 60}@example.org")
    )
    await sign_in(web_server, page, f"#/c/{conversation_id}")
    broken = []
    for opened in (_open_password, _open_sessions, _open_new_token, _open_new_invite):
        dialog = page.locator(await opened(page))
        await expect(dialog).to_be_visible()
        assert await dialog.evaluate("e => e.scrollWidth <= e.clientWidth"), opened
        broken += [f"{opened.__name__}: {rule}" for rule in await broken_rules(page)]
        await page.keyboard.press("Escape")
        await expect(dialog).to_be_hidden()
    assert broken == []


async def _open_password(page: Page) -> str:
    await page.get_by_role("button", name="More for your account").click()
    await page.get_by_role("menuitem", name="Change password").click()
    await page.get_by_label("Current password").fill("wrong")
    await page.get_by_label("New password", exact=True).fill("short")
    await page.get_by_label("New password again").fill("short")
    await page.keyboard.press("Enter")
    await expect(page.locator("#dialog .error")).not_to_be_empty()
    return "#dialog"


async def _open_sessions(page: Page) -> str:
    await page.get_by_role("button", name="Sessions").click()
    await expect(page.locator("#sessions-list .session").first).to_be_visible()
    return "#sessions-dialog"


async def _open_new_token(page: Page) -> str:
    await page.get_by_role("button", name="More for your account").click()
    await page.get_by_role("menuitem", name="Personal tokens").click()
    await expect(page.locator("#tokens-list")).not_to_be_empty()
    assert await broken_rules(page) == []
    await page.get_by_label("Name", exact=True).fill("x" * 64)
    await page.get_by_role("button", name="Create a token").click()
    await expect(page.get_by_label("The new token")).to_be_visible()
    await expect(page.locator("#tokens-list .session").first).to_be_visible()
    return "#tokens-dialog"


async def _open_new_invite(page: Page) -> str:
    await page.get_by_role("button", name="Invite").click()
    await expect(page.locator("#invite-list .session").first).to_be_visible()
    assert await broken_rules(page) == []
    await page.get_by_role("button", name="Make a link").click()
    await expect(page.get_by_label("The link of the invite")).to_be_visible()
    return "#invite-dialog"


async def test_axe_finds_nothing_in_an_answer(web_server: WebServer, page: Page) -> None:
    """While it streams and when it has ended."""
    conversation_id = await web_server.ada.create_conversation(CreateConversation("Answering"))
    await sign_in(web_server, page, f"#/c/{conversation_id}/new")
    await page.get_by_label("Message", exact=True).fill("Go on")
    await page.keyboard.press("Enter")
    await expect(page.locator(".assistant .text.streaming")).to_be_visible()
    broken = await violations(page)
    await expect(page.locator(".assistant .text.streaming")).to_have_count(0)
    assert broken + await broken_rules(page) == []


async def test_the_page_has_one_main_and_one_first_heading(
    web_server: WebServer, page: Page
) -> None:
    """Headings of messages are below those of the page, and buttons name their message."""
    await sign_in(web_server, page, await _thread(web_server, "Outline"))
    await expect(page.locator(".message")).to_have_count(4)
    assert await page.locator("main:visible").count() == 1
    assert await page.locator("h1:visible").count() == 1
    await expect(page.locator(".text h3")).to_have_text("Title of a message")
    await expect(page.get_by_role("button", name="Reply to ada: A reply")).to_be_visible()
    await expect(page.get_by_role("button", name="Reply to bob: Beside")).to_be_visible()


async def test_each_paragraph_has_its_own_direction(web_server: WebServer, page: Page) -> None:
    """Hebrew and Arabic begin at the right, also between English paragraphs."""
    conversation_id = await create_group(web_server, "Directions")
    text = "English first\n\nשלום עולם\n\n- مرحبا\n\nagain"
    root = await web_server.bob.post_root(UUID(conversation_id), PostMessage(text))
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root.root_id}")
    parts = page.locator(".message .text").locator("p, li")
    await expect(parts).to_have_count(4)
    directions = [
        await parts.nth(i).evaluate("e => getComputedStyle(e).direction") for i in range(4)
    ]
    assert directions == ["ltr", "rtl", "rtl", "ltr"]


async def test_a_wide_table_scrolls_and_keeps_its_words(web_server: WebServer, page: Page) -> None:
    """Its cells are not broken into letters, its columns keep their alignment."""
    conversation_id = await create_group(web_server, "Tables")
    columns = [f"Column{number}heading" for number in range(12)]
    rows = [columns, [":-:", "--:"] + ["---"] * 10, ["incomprehensibility"] * 12]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    root = await web_server.bob.post_root(UUID(conversation_id), PostMessage(table))
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root.root_id}")
    frame = page.locator(".text .table")
    await expect(frame.locator("td")).to_have_count(12)
    assert await frame.evaluate("e => e.scrollWidth > e.clientWidth + 200")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    lines = await frame.locator("td").first.evaluate(
        "e => { const r = document.createRange(); r.selectNodeContents(e);"
        " return new Set([...r.getClientRects()].map((b) => b.top)).size; }"
    )
    assert lines == 1
    alignments = [
        await frame.locator("td").nth(i).evaluate("e => getComputedStyle(e).textAlign")
        for i in range(3)
    ]
    assert alignments == ["center", "right", "start"]


async def test_controls_are_outlined_with_a_contrast_of_three(
    web_server: WebServer, page: Page
) -> None:
    """The edges of fields and buttons, beside what is behind them, in both themes."""
    await sign_in(web_server, page)
    for theme in ("light", "dark"):
        await page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        for selector in ("#new-title", "#new-conversation button"):
            edge, behind = await page.locator(selector).evaluate(
                "e => [getComputedStyle(e).borderTopColor,"
                " getComputedStyle(document.querySelector('.conversations')).backgroundColor]"
            )
            assert _contrast(edge, behind) >= 3, (theme, selector)


def _contrast(one: str, other: str) -> float:
    """Return the contrast of two colours (WCAG 2.2, relative luminance)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    values = [int(part) / 255 for part in colour.removeprefix("rgb(").rstrip(")").split(",")]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


async def test_forced_colours_keep_what_backgrounds_say(web_server: WebServer, page: Page) -> None:
    """The open conversation and the unread count have a line, as backgrounds are gone."""
    await page.emulate_media(forced_colors="active")
    address = await _thread(web_server, "Forced")
    await sign_in(web_server, page, address)
    await expect(page.locator(".message")).to_have_count(4)
    row = page.locator('#conversations a[aria-current="true"]')
    assert await row.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    badge = page.locator("#conversations .badge").first
    assert await badge.evaluate("e => getComputedStyle(e).borderTopStyle") == "solid"


async def test_titles_and_excerpts_show_their_letters_in_their_order(
    web_server: WebServer, page: Page
) -> None:
    """Characters that override the direction are left out of them, as they are of messages."""
    conversation_id = await create_group(web_server, "pay\u202efdp.exe")
    text = PostMessage("see \u2067gnp.tac\u202d now")
    root = await web_server.bob.post_root(UUID(conversation_id), text)
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root.root_id}")
    await expect(page.locator(".message")).to_have_count(1)
    await expect(page.locator("#conversation-title")).to_have_text("payfdp.exe")
    await expect(page.locator("#thread-title")).to_have_text("see gnp.tac now")
    await expect(page).to_have_title(re.compile(r"payfdp\.exe$"))
    shown = await page.evaluate("document.body.innerText")
    assert not set(shown) & set("\u202d\u202e\u2067")


async def test_printing_prints_the_thread(web_server: WebServer, page: Page) -> None:
    """All messages that are loaded, and neither lists nor controls."""
    conversation_id = await create_group(web_server, "Paper")
    root = await web_server.bob.post_root(UUID(conversation_id), PostMessage("First\n\n" * 40))
    for number in range(5):
        await web_server.bob.reply(root.message_id, PostMessage(f"Reply {number}\n\nmore\n" * 20))
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root.root_id}")
    await expect(page.locator(".message")).to_have_count(6)
    await page.emulate_media(media="print")
    for selector in ("#conversations", "#threads", "#composer", ".bar", ".message .actions"):
        await expect(page.locator(selector).first).to_be_hidden()
    assert await page.locator("#scroll").evaluate("e => e.scrollHeight <= e.clientHeight + 1")
    await expect(page.locator(".message").last).to_be_visible()


async def test_what_is_printed_is_complete_and_dark_on_white(
    web_server: WebServer, page: Page
) -> None:
    """Wide tables and code, which scroll on the screen, fit the paper; so in the dark theme."""
    conversation_id = await create_group(web_server, "Wide paper")
    address = "https://a.example/" + "long/" * 40
    cells = f"| one | {'words ' * 20} | {address} |"
    columns = f"|{'column |' * 20}\n|{'-|' * 20}\n|{'a value |' * 20}"
    text = f"|a|b|c|\n|-|-|-|\n{cells}\n\n{columns}\n\n```sh\ncurl {address}\n```"
    root = await web_server.bob.post_root(UUID(conversation_id), PostMessage(text))
    await page.emulate_media(color_scheme="dark")
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root.root_id}")
    await expect(page.locator(".message td")).to_have_count(23)
    await page.set_viewport_size({"width": 718, "height": 1000})
    await page.emulate_media(media="print")
    for frame in await page.locator(".text .table, .text pre").all():
        assert await frame.evaluate("e => getComputedStyle(e).overflowX") == "visible"
        assert await frame.evaluate("e => e.scrollWidth <= e.clientWidth + 1")
    background = "e => getComputedStyle(e).backgroundColor.match(/\\d+/g).every((n) => n > 200)"
    assert await page.locator(".text pre").evaluate(background)


async def test_the_role_is_shown_from_the_role(web_server: WebServer, page: Page) -> None:
    """People who share a display name are shown with their user names as well."""
    conversation_id = await create_group(web_server, "Names")
    await _rename(web_server.ada, "Sam Lee")
    await _rename(web_server.bob, "Sam Lee")
    try:
        root = await web_server.bob.post_root(UUID(conversation_id), PostMessage("Hello"))
        await web_server.ada.reply(root.message_id, PostMessage("Hi"))
        await page.goto(f"{web_server.origin}/#/c/{conversation_id}/t/{root.root_id}")
        await page.get_by_label("User name or e-mail address").fill("ada")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        names = page.locator(".message .author")
        await expect(names).to_have_text(["Sam Lee (bob)", "Sam Lee (ada)"])
    finally:
        await _rename(web_server.ada, None)
        await _rename(web_server.bob, None)


async def _rename(client: Client, name: str | None) -> None:
    await client.update_me(UpdateMe(display_name=name))
