"""A reply goes where its author looks, once, and no text is lost."""

import asyncio
import re
from uuid import UUID

import pytest
from playwright.async_api import Page, Request, Route, expect
from tests.support.clients.web_users import WebServer, create_group, sign_in
from tests.support.wait import until
from tests.web.large_thread import fill_thread, message_id

from rustygpt_shared.models.messages import PostedMessage
from rustygpt_shared.requests import CreateConversation, PostMessage

pytestmark = pytest.mark.xdist_group("live")


async def _open(web_server: WebServer, page: Page, title: str) -> tuple[PostedMessage, str]:
    """Open a thread of Bob's in a new group; return its root and the conversation's id."""
    conversation_id = await create_group(web_server, title)
    root = await web_server.bob.post_root(UUID(conversation_id), PostMessage("Root"))
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root.root_id}")
    await expect(page.locator(".message")).to_have_count(1)
    return root, conversation_id


async def _parent_of(web_server: WebServer, root: UUID, text: str) -> UUID | None:
    messages = (await web_server.bob.list_tree(root)).messages
    return next(message.parent_id for message in messages if message.content == text)


async def _send(page: Page, text: str) -> None:
    await page.get_by_label("Message", exact=True).fill(text)
    await page.keyboard.press("Enter")
    await expect(page.locator(".message:not(.pending)", has_text=text)).to_be_visible()


async def test_the_target_is_shown_and_is_the_end_of_the_branch_in_view(
    web_server: WebServer, page: Page
) -> None:
    """It follows the view while the composer is empty."""
    root, _ = await _open(web_server, page, "Target")
    await expect(page.locator("#target-words")).to_have_text("↳ to bob: Root")
    first = await web_server.bob.reply(root.message_id, PostMessage("First *words*"))
    await expect(page.locator("#target-words")).to_have_text("↳ to bob: First *words*")
    await _send(page, "Mine")
    assert await _parent_of(web_server, root.root_id, "Mine") == first.message_id
    await expect(page.locator("#target-words")).to_have_text("↳ to ada: Mine")


async def test_in_a_long_chain_the_target_is_a_message_in_view(
    web_server: WebServer, page: Page, web_database_url: str
) -> None:
    """Until the end of the chain is loaded; Markdown is left out of the label."""
    conversation_id = await create_group(web_server, "Chain")
    root = await web_server.bob.post_root(UUID(conversation_id), PostMessage("Root"))
    bob = (await web_server.bob.me()).user.id
    await fill_thread(web_database_url, root.root_id, bob, 1_000, branch_length=1_000)
    middle = message_id(root.root_id, 500)
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root.root_id}/m/{middle}")
    await expect(page.locator("#target-words")).to_have_text(
        re.compile(r"^↳ to bob: message 5\d\d of the thread\.")
    )
    words = await page.locator("#target-words").inner_text()
    (number,) = re.findall(r"message (\d+)", words)
    row = page.locator(f"#messages [data-key='{message_id(root.root_id, int(number))}']")
    await expect(row).to_be_in_viewport()
    await page.locator("#scroll").focus()
    await page.keyboard.press("End")
    await expect(page.locator("#target-words")).to_contain_text("message 1000 of")


async def test_a_message_that_arrives_while_typing_is_not_answered(
    web_server: WebServer, page: Page
) -> None:
    """It is offered instead; a click chooses it."""
    root, _ = await _open(web_server, page, "Frozen")
    first = await web_server.bob.reply(root.message_id, PostMessage("Question"))
    await expect(page.locator("#target-words")).to_have_text("↳ to bob: Question")
    await page.get_by_label("Message", exact=True).fill("Answer one")
    second = await web_server.bob.reply(first.message_id, PostMessage("Something else"))
    await expect(page.locator("#target-newer")).to_contain_text("A newer message arrived (bob)")
    await expect(page.locator("#target-words")).to_have_text("↳ to bob: Question")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message:not(.pending)", has_text="Answer one")).to_be_visible()
    assert await _parent_of(web_server, root.root_id, "Answer one") == first.message_id
    await (
        page.locator(".message", has_text="Something else")
        .get_by_role("button", name="Reply")
        .click()
    )
    await page.keyboard.type("Answer two")
    third = await web_server.bob.reply(second.message_id, PostMessage("A third"))
    await expect(page.locator("#target-newer")).to_be_visible()
    await page.keyboard.press("Alt+ArrowDown")
    await expect(page.locator("#target-words")).to_have_text("↳ to bob: A third")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message:not(.pending)", has_text="Answer two")).to_be_visible()
    assert await _parent_of(web_server, root.root_id, "Answer two") == third.message_id


async def test_a_message_can_be_chosen_and_the_choice_ended(
    web_server: WebServer, page: Page
) -> None:
    """Reply chooses a message; a second branch does not indent the first one."""
    root, _ = await _open(web_server, page, "Chosen")
    await web_server.bob.reply(root.message_id, PostMessage("First"))
    await expect(page.locator(".message")).to_have_count(2)
    await page.locator(".message", has_text="Root").get_by_role("button", name="Reply").click()
    await expect(page.locator("#target-words")).to_have_text("↳ to bob: Root")
    await page.get_by_role("button", name="Not to this one").click()
    await expect(page.get_by_label("Message", exact=True)).to_be_focused()
    await page.locator(".message", has_text="Root").get_by_role("button", name="Reply").click()
    await page.keyboard.type("Second")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message:not(.pending)")).to_have_count(3)
    assert await _parent_of(web_server, root.root_id, "Second") == root.message_id
    rows = await page.locator(".message").all()
    assert [await row.get_attribute("data-level") for row in rows] == ["0", "0", "1"]
    assert [await row.get_attribute("aria-level") for row in rows] == ["1", "2", "2"]
    assert [await row.get_attribute("aria-posinset") for row in rows] == ["1", "2", "3"]
    await expect(rows[2].locator(".parent")).to_have_text("↳ bob: Root")
    await expect(rows[1].locator(".parent")).to_have_count(0)


async def test_a_plain_chat_follows_the_answers_and_says_nothing(
    web_server: WebServer, page: Page
) -> None:
    """The second message answers the assistant's answer; no target is shown."""
    conversation_id = await web_server.ada.create_conversation(CreateConversation("Plain"))
    await sign_in(web_server, page, f"#/c/{conversation_id}/new")
    await page.get_by_label("Message", exact=True).fill("One")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message.assistant")).to_have_count(1)
    await expect(page.locator("#target")).to_be_hidden()
    await page.keyboard.type("Two")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message.assistant")).to_have_count(2)
    await expect(page.locator("#target")).to_be_hidden()
    (thread,) = (await web_server.ada.list_threads(conversation_id)).threads
    messages = (await web_server.ada.list_tree(thread.root_id)).messages
    assert [message.depth for message in messages] == [1, 2, 3, 4]


async def test_a_post_is_shown_at_once_and_typing_goes_on(
    web_server: WebServer, page: Page
) -> None:
    """While the request is on its way the message is pending and the next text is kept."""
    root, _ = await _open(web_server, page, "Pending")
    arrived, allowed = asyncio.Event(), asyncio.Event()

    async def delay(route: Route) -> None:
        arrived.set()
        await allowed.wait()
        await route.continue_()

    await page.route("**/reply", delay)
    await page.get_by_label("Message", exact=True).fill("On its way")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message.pending .note")).to_have_text("sending …")
    await expect(page.get_by_label("Message", exact=True)).to_be_focused()
    await page.keyboard.type("The next one")
    await page.keyboard.press("Enter")
    await page.keyboard.type("And one more")
    await page.keyboard.press("Enter")
    await page.keyboard.type("Unfinished")
    notes = ["sending …", "waits for the one before", "waits for the one before"]
    await expect(page.locator(".message.pending .note")).to_have_text(notes)
    await arrived.wait()
    allowed.set()
    await expect(page.locator(".message.pending")).to_have_count(0)
    await expect(page.get_by_label("Message", exact=True)).to_have_value("Unfinished")
    await expect(page.locator("#target-words")).to_have_text("↳ to ada: And one more")
    messages = (await web_server.bob.list_tree(root.root_id)).messages
    texts = ["Root", "On its way", "The next one", "And one more"]
    assert [message.content for message in messages] == texts
    assert [message.depth for message in messages] == [1, 2, 3, 4]
    rows = await page.locator(".message .text").all_inner_texts()
    assert [text.strip() for text in rows] == texts


async def test_follow_ups_of_a_first_message_go_to_the_answers_in_its_thread(
    web_server: WebServer, page: Page
) -> None:
    """They are written while there is no thread yet; each answers the answer of the one before."""
    conversation_id = await web_server.ada.create_conversation(CreateConversation("Fast"))
    allowed = asyncio.Event()

    async def delay(route: Route) -> None:
        await allowed.wait()
        await route.continue_()

    await page.route("**/root", delay)
    await sign_in(web_server, page, f"#/c/{conversation_id}/new")
    await expect(page.locator("#nothing")).to_contain_text("first message")
    for text in ["One", "Two", "Three"]:
        await page.keyboard.type(text)
        await page.keyboard.press("Enter")
    await expect(page.locator(".message.pending")).to_have_count(3)
    allowed.set()
    await expect(page.locator(".message.assistant")).to_have_count(3)
    await expect(page.locator(".message.pending")).to_have_count(0)
    (thread,) = (await web_server.ada.list_threads(conversation_id)).threads
    messages = (await web_server.ada.list_tree(thread.root_id)).messages
    assert [message.depth for message in messages] == [1, 2, 3, 4, 5, 6]
    assert [m.content for m in messages if m.role == "user"] == ["One", "Two", "Three"]


async def test_a_failed_post_holds_back_those_after_it(web_server: WebServer, page: Page) -> None:
    """Over a reload too, until it is sent; none of them is joined to another text."""
    root, _ = await _open(web_server, page, "Held")
    sent: list[str] = []

    async def refuse(route: Route) -> None:
        sent.append(route.request.post_data or "")
        await route.fulfill(status=403, json={"detail": "Not now.", "code": "RGP.RBAC.FORBIDDEN"})

    await page.route("**/reply", refuse)
    composer = page.get_by_label("Message", exact=True)
    await composer.focus()
    for text in ["First", "Second"]:
        await page.keyboard.type(text)
        await page.keyboard.press("Enter")
    await expect(page.locator(".message.pending .note")).to_have_text(
        ["not sent", "waits for the one before"]
    )
    await page.keyboard.type("Unfinished")
    await page.get_by_role("button", name="Take back").first.click()
    await expect(page.locator("#composer-error")).to_contain_text("what is written here first")
    await expect(composer).to_have_value("Unfinished")
    await page.reload()
    await expect(page.locator(".message.pending .note")).to_have_text(
        ["not sent", "waits for the one before"]
    )
    assert len(sent) == 2
    assert all("First" in body for body in sent)
    await page.unroute("**/reply")
    await page.get_by_role("button", name="Send again").click()
    await expect(page.locator(".message.pending")).to_have_count(0)
    messages = (await web_server.bob.list_tree(root.root_id)).messages
    assert [(message.content, message.depth) for message in messages] == [
        ("Root", 1),
        ("First", 2),
        ("Second", 3),
    ]


async def test_what_followed_a_post_that_was_taken_back_is_not_sent_by_itself(
    web_server: WebServer, page: Page
) -> None:
    """Its author sends it, to the message that the one before answered, or takes it back."""
    root, _ = await _open(web_server, page, "Taken back")
    await page.route(
        "**/reply",
        lambda route: route.fulfill(
            status=403, json={"detail": "Not now.", "code": "RGP.RBAC.FORBIDDEN"}
        ),
    )
    composer = page.get_by_label("Message", exact=True)
    await composer.focus()
    for text in ["First", "Second"]:
        await page.keyboard.type(text)
        await page.keyboard.press("Enter")
    await expect(page.locator(".message.pending .failure").first).to_have_text("Not now.")
    await page.unroute("**/reply")
    await page.get_by_role("button", name="Take back").first.click()
    await expect(composer).to_have_value("First")
    await expect(page.locator(".message.pending")).to_have_count(1)
    await expect(page.locator(".message.pending .failure")).to_contain_text("was taken back")
    await page.get_by_role("button", name="Send again").click()
    await expect(page.locator(".message.pending")).to_have_count(0)
    assert await _parent_of(web_server, root.root_id, "Second") == root.message_id


async def test_a_lost_response_makes_no_second_message(web_server: WebServer, page: Page) -> None:
    """The server has the message and the page repeats it, with the same target and key."""
    root, _ = await _open(web_server, page, "Lost")
    sent: list[tuple[str, str | None]] = []

    async def lose_first_response(route: Route, request: Request) -> None:
        sent.append((request.url, request.headers.get("idempotency-key")))
        if len(sent) == 1:
            await route.fetch()
            await route.abort()
        else:
            await route.continue_()

    await page.route("**/reply", lose_first_response)
    await page.get_by_label("Message", exact=True).fill("Once")
    await page.keyboard.press("Enter")
    await until(lambda: len(sent) == 2)
    await expect(page.locator(".message.pending")).to_have_count(0)
    await expect(page.locator(".message", has_text="Once")).to_have_count(1)
    assert len(set(sent)) == 1
    messages = (await web_server.bob.list_tree(root.root_id)).messages
    assert [message.content for message in messages] == ["Root", "Once"]


async def test_a_post_survives_a_reload(web_server: WebServer, page: Page) -> None:
    """A post that was not acknowledged is repeated by the next visit, with the same key."""
    root, _ = await _open(web_server, page, "Reloaded")
    keys: list[str | None] = []
    page.on("request", lambda r: keys.append(r.headers.get("idempotency-key")))
    await page.route("**/reply", lambda route: route.abort())
    await page.get_by_label("Message", exact=True).fill("Kept")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message.pending .note")).to_contain_text("trying again")
    await page.unroute("**/reply")
    await page.reload()
    await expect(page.locator(".message:not(.pending)", has_text="Kept")).to_have_count(1)
    await expect(page.locator(".message.pending")).to_have_count(0)
    assert len(set(filter(None, keys))) == 1
    assert len((await web_server.bob.list_tree(root.root_id)).messages) == 2


async def test_a_refused_post_can_be_taken_back(web_server: WebServer, page: Page) -> None:
    """Its text returns to the composer with its target."""
    await _open(web_server, page, "Refused")
    await page.route(
        "**/reply",
        lambda route: route.fulfill(
            status=403, json={"detail": "You may not post here.", "code": "RGP.RBAC.FORBIDDEN"}
        ),
    )
    await page.get_by_label("Message", exact=True).fill("Refused")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message.pending .failure")).to_have_text("You may not post here.")
    await page.get_by_role("button", name="Take back").click()
    await expect(page.get_by_label("Message", exact=True)).to_have_value("Refused")
    await expect(page.get_by_label("Message", exact=True)).to_be_focused()
    await expect(page.locator("#target-words")).to_have_text("↳ to bob: Root")
    await expect(page.locator(".message.pending")).to_have_count(0)


async def test_a_draft_survives_with_its_target_and_belongs_to_one_person(
    web_server: WebServer, page: Page
) -> None:
    """After a reload it is there; the next person who signs in does not see it."""
    root, conversation_id = await _open(web_server, page, "Draft")
    await web_server.bob.reply(root.message_id, PostMessage("Newer"))
    await expect(page.locator(".message")).to_have_count(2)
    await page.locator(".message", has_text="Root").get_by_role("button", name="Reply").click()
    await page.keyboard.type("Unfinished")
    await page.reload()
    await expect(page.get_by_label("Message", exact=True)).to_have_value("Unfinished")
    await expect(page.locator("#target-words")).to_have_text("↳ to bob: Root")
    address = f"#/c/{conversation_id}/t/{root.root_id}"
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await sign_in(web_server, page, address, as_="bob")
    await expect(page.locator(".message")).to_have_count(2)
    await expect(page.get_by_label("Message", exact=True)).to_have_value("")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await sign_in(web_server, page, address)
    await expect(page.get_by_label("Message", exact=True)).to_have_value("Unfinished")


async def test_a_double_click_creates_one_conversation(web_server: WebServer, page: Page) -> None:
    """Also when the first response is lost and the form is sent again."""
    await sign_in(web_server, page)
    lost: list[str] = []

    async def lose_first_response(route: Route, request: Request) -> None:
        if request.method == "POST" and not lost:
            lost.append(request.url)
            await route.fetch()
            await route.abort()
        else:
            await route.continue_()

    await page.route("**/api/conversations", lose_first_response)
    await page.get_by_label("Title of a new conversation").fill("Only once")
    create = page.get_by_role("button", name="Create")
    await create.dblclick()
    await expect(page.locator("#list-error")).to_contain_text("cannot be reached")
    await create.dblclick()
    await expect(page.locator("#conversation-title")).to_have_text("Only once")
    listed = (await web_server.ada.list_conversations()).conversations
    assert [c.title for c in listed].count("Only once") == 1
    await page.keyboard.type("first message")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message.user")).to_have_count(1)
