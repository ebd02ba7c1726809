"""One live connection for all tabs, whose state is true and which loses nothing."""

import asyncio
from collections.abc import Callable
from uuid import UUID

import pytest
from playwright.async_api import BrowserContext, Page, Request, Route, expect
from tests.support.clients.web_users import WebServer, create_group, read_everything, sign_in
from tests.support.servers.server_process import ServerProcess
from tests.web.servers import signed_in_users

from rustygpt_shared.requests import PostMessage

pytestmark = pytest.mark.xdist_group("live")

TABS = 8


def _count_streams(context: BrowserContext) -> set[Request]:
    """Return the open streams of a browser, kept current."""
    streams: set[Request] = set()
    context.on("request", lambda r: streams.add(r) if "/api/stream" in r.url else None)
    context.on("requestfailed", lambda r: streams.discard(r))  # noqa: PLW0108 - marked by Playwright
    context.on("requestfinished", lambda r: streams.discard(r))  # noqa: PLW0108
    return streams


async def test_the_state_is_shown_without_a_conversation(web_server: WebServer, page: Page) -> None:
    """And what happens in conversations that are not open is seen in the list at once."""
    await read_everything(web_server.ada)
    conversation_id = await create_group(web_server, "Listed")
    await sign_in(web_server, page)
    await expect(page.locator("#connection")).to_have_text("Live")
    row = page.locator("#conversations a", has_text="Listed")
    await expect(row.locator(".badge")).to_be_hidden()
    root = await web_server.bob.post_root(UUID(conversation_id), PostMessage("Look here"))
    await expect(row.locator(".badge")).to_contain_text("1")
    await expect(row.locator(".detail")).to_contain_text("Look here")
    await expect(page).to_have_title("(1) RustyGPT")
    await web_server.bob.reply(root.message_id, PostMessage("And here"))
    await expect(row.locator(".badge")).to_contain_text("2")
    await web_server.ada.mark_read(root.root_id)
    await expect(row.locator(".badge")).to_be_hidden()
    other_id = await create_group(web_server, "Just created")
    await expect(page.locator("#conversations a", has_text="Just created")).to_be_visible()
    await web_server.bob.post_root(UUID(other_id), PostMessage("Newest"))
    await expect(page.locator("#conversations a").first).to_contain_text("Just created")


async def test_rows_keep_their_elements_when_events_arrive(
    web_server: WebServer, page: Page
) -> None:
    """A click that began before an event ends on the same row."""
    conversation_id = await create_group(web_server, "Clicked")
    await sign_in(web_server, page)
    row = page.locator("#conversations a", has_text="Clicked")
    await row.hover()
    await page.mouse.down()
    await web_server.bob.post_root(UUID(conversation_id), PostMessage("Between"))
    await expect(row.locator(".badge")).to_contain_text("1")
    await row.hover()
    await page.mouse.up()
    await expect(page.locator("#conversation-title")).to_have_text("Clicked")


async def test_eight_tabs_share_one_stream(web_server: WebServer, page: Page) -> None:
    """Every tab is live; when the one that reads the stream is closed another one takes over."""
    conversation_id = await create_group(web_server, "Shared")
    root = await web_server.bob.post_root(UUID(conversation_id), PostMessage("Root"))
    streams = _count_streams(page.context)
    address = f"#/c/{conversation_id}/t/{root.root_id}"
    await sign_in(web_server, page, address)
    await expect(page.locator("#connection")).to_have_text("Live")
    tabs = [page]
    for _ in range(TABS - 1):
        tab = await page.context.new_page()
        await tab.goto(f"{web_server.origin}/{address}")
        tabs.append(tab)
    for tab in tabs:
        await expect(tab.locator("#connection")).to_have_text("Live")
        await expect(tab.locator(".message")).to_have_count(1)
    assert len(streams) == 1
    await web_server.bob.reply(root.message_id, PostMessage("To all"))
    for tab in tabs:
        await expect(tab.locator(".message", has_text="To all")).to_have_count(1)
    spare = await page.context.new_page()  # the fixture closes `page` itself
    await tabs[0].goto("about:blank")
    await web_server.bob.reply(root.message_id, PostMessage("While it is handed over"))
    for tab in tabs[1:]:
        await expect(tab.locator("#connection")).to_have_text("Live")
        await expect(tab.locator(".message", has_text="While it is handed over")).to_have_count(1)
    assert len(streams) == 1
    await spare.close()


async def test_offline_is_noticed_at_once_and_nothing_is_lost(
    web_server: WebServer, page: Page
) -> None:
    """What was posted meanwhile is there after the reconnect."""
    conversation_id = await create_group(web_server, "Offline")
    root = await web_server.bob.post_root(UUID(conversation_id), PostMessage("Root"))
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root.root_id}")
    await expect(page.locator("#connection")).to_have_text("Live")
    await expect(page.locator(".message")).to_have_count(1)
    await page.context.set_offline(True)
    await expect(page.locator("#connection")).to_have_text("Offline")
    await web_server.bob.reply(root.message_id, PostMessage("Meanwhile"))
    other_id = await create_group(web_server, "Also meanwhile")
    assert other_id
    await page.context.set_offline(False)
    await expect(page.locator("#connection")).to_have_text("Live")
    await expect(page.locator(".message", has_text="Meanwhile")).to_have_count(1)
    await expect(page.locator("#conversations a", has_text="Also meanwhile")).to_be_visible()


async def test_silence_is_a_lost_connection(web_server: WebServer, page: Page) -> None:
    """A connection that delivers no heartbeat for 50 seconds is opened again."""
    conversation_id = await create_group(web_server, "Silent")
    root = await web_server.bob.post_root(UUID(conversation_id), PostMessage("Root"))
    await page.clock.install()
    streams: list[str] = []
    page.on("request", lambda r: streams.append(r.url) if "/api/stream" in r.url else None)
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root.root_id}")
    await expect(page.locator("#connection")).to_have_text("Live")
    await expect(page.locator(".message")).to_have_count(1)
    before = len(streams)
    await page.clock.run_for(30_000)
    assert len(streams) == before
    await _advance_until(page, lambda: len(streams) > before)
    await expect(page.locator("#connection")).to_have_text("Live")
    assert f"{conversation_id}%3Aevt_" in streams[-1]


async def _advance_until(page: Page, condition: Callable[[], bool]) -> None:
    """Move the page's clock on by 20 s at a time until the condition holds.

    No fixed time is enough: whatever the server sends meanwhile, the mark of a message that was
    just read among it, starts the silence again.
    """
    async with asyncio.timeout(60):
        while not condition():
            await page.clock.run_for(20_000)
            await page.evaluate("0")  # answered after all requests of the timers are reported


async def test_the_page_starts_when_the_server_comes(web_server: WebServer, page: Page) -> None:
    """While it is away the page says so, and tries again."""
    await sign_in(web_server, page)
    await page.route("**/api/**", lambda route: route.abort())
    await page.reload()
    await expect(page.locator("#connection")).to_contain_text("Connection lost")
    await expect(page.locator("#notice")).to_contain_text("cannot be reached")
    await page.unroute("**/api/**")
    await expect(page.locator("#connection")).to_have_text("Live")
    await expect(page.locator("#who")).to_have_text("ada")


async def test_a_session_that_ends_leads_to_the_sign_in(web_server: WebServer, page: Page) -> None:
    """In all tabs: they share the stream that says so."""
    await sign_in(web_server, page)
    await expect(page.locator("#connection")).to_have_text("Live")
    other = await page.context.new_page()
    await other.goto(web_server.origin)
    await expect(other.locator("#connection")).to_have_text("Live")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await expect(other.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_a_removed_member_and_a_new_one_see_it_in_the_list(
    web_server: WebServer, page: Page
) -> None:
    """Without polling."""
    conversation_id = await create_group(web_server, "Membership")
    bob = (await web_server.bob.me()).user.id
    await sign_in(web_server, page, as_="bob")
    row = page.locator("#conversations a", has_text="Membership")
    await expect(row).to_be_visible()
    await web_server.ada.remove_participant(UUID(conversation_id), bob)
    await expect(row).to_have_count(0)
    await web_server.ada.add_participant(UUID(conversation_id), bob)
    await expect(row).to_be_visible()


async def test_a_gap_in_the_events_reloads_the_conversation(
    web_server: WebServer, page: Page
) -> None:
    """The view stays where it is, and what was missing is there."""
    conversation_id = await create_group(web_server, "Gap")
    root = await web_server.bob.post_root(UUID(conversation_id), PostMessage("Root"))
    await web_server.bob.reply(root.message_id, PostMessage("Reply"))
    await sign_in(web_server, page)
    await expect(page.locator("#connection")).to_have_text("Live")
    other = await page.context.new_page()
    await other.goto(f"{web_server.origin}/#/c/{conversation_id}/t/{root.root_id}")
    await expect(other.locator(".message")).to_have_count(2)
    ada = (await web_server.ada.me()).user.id
    conversation = {"id": conversation_id, "title": "Never seen"}
    event = {
        "type": "conversation.updated",
        "id": "evt_999",
        "payload": {"conversation": conversation},
    }
    async with other.expect_response(f"**/api/conversations/{conversation_id}"):
        await page.evaluate(
            "([name, event]) => new BroadcastChannel(name).postMessage({ kind: 'event', event })",
            [f"rustygpt-stream:{ada}", event],
        )
    await expect(other.locator(".message")).to_have_count(2)
    await expect(other.locator("#conversation-title")).to_have_text("Gap")
    await web_server.bob.reply(root.message_id, PostMessage("Afterwards"))
    await expect(other.locator(".message", has_text="Afterwards")).to_have_count(1)


async def test_what_the_server_no_longer_replays_is_loaded(
    web_server: WebServer, page: Page
) -> None:
    """After more events than a reconnect gets back."""
    conversation_id = await create_group(web_server, "Too far")
    root = await web_server.bob.post_root(UUID(conversation_id), PostMessage("Root"))
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root.root_id}")
    await expect(page.locator("#connection")).to_have_text("Live")
    await expect(page.locator(".message")).to_have_count(1)
    await page.context.set_offline(True)
    for number in range(260):  # two events each
        await web_server.bob.reply(root.message_id, PostMessage(f"Number {number}."))
    await page.context.set_offline(False)
    await expect(page.locator("#connection")).to_have_text("Live")
    await expect(page.locator(".message", has_text="Number 259.")).to_be_in_viewport()
    await expect(page.locator("#unread-above")).to_contain_text("new")
    await expect(page.locator("#threads .detail").first).to_contain_text("261 messages")


async def test_a_tab_takes_over_from_a_silent_one(web_server: WebServer, page: Page) -> None:
    """Browsers freeze hidden tabs; the others do not wait for ever."""
    conversation_id = await create_group(web_server, "Hanging")
    root = await web_server.bob.post_root(UUID(conversation_id), PostMessage("Root"))
    await sign_in(web_server, page)
    await expect(page.locator("#connection")).to_have_text("Live")
    other = await page.context.new_page()
    await other.clock.install()
    await other.goto(f"{web_server.origin}/#/c/{conversation_id}/t/{root.root_id}")
    await expect(other.locator(".message")).to_have_count(1)
    await expect(other.locator("#connection")).to_have_text("Live")
    await page.evaluate("BroadcastChannel.prototype.postMessage = () => {}")  # as if it were frozen
    streams: list[str] = []
    other.on("request", lambda r: streams.append(r.url) if "/api/stream" in r.url else None)
    await _advance_until(other, lambda: bool(streams))
    await expect(other.locator("#connection")).to_have_text("Live")
    await web_server.bob.reply(root.message_id, PostMessage("Seen again"))
    await expect(other.locator(".message", has_text="Seen again")).to_have_count(1)
    await expect(page.locator("#connection")).to_have_text("Live")
    await web_server.bob.reply(root.message_id, PostMessage("By both"))
    await expect(page.locator("#conversations .detail").first).to_contain_text("By both")


async def test_a_restart_of_the_server_is_survived(new_server: ServerProcess, page: Page) -> None:
    """The page says that it is away, reconnects, and sends what was written meanwhile, once."""
    async with signed_in_users(new_server.url) as users:
        conversation_id = await create_group(users, "Restart")
        root = (await users.bob.post_root(UUID(conversation_id), PostMessage("Root"))).root_id
        await sign_in(users, page, f"#/c/{conversation_id}/t/{root}")
        await expect(page.locator("#connection")).to_have_text("Live")
        await expect(page.locator(".message")).to_have_count(1)
        await new_server.stop()
        await expect(page.locator("#connection")).to_contain_text("Connection lost")
        await page.get_by_label("Message", exact=True).fill("Written meanwhile")
        await page.keyboard.press("Enter")
        await expect(page.locator(".message.pending .note")).to_contain_text("trying again")
        await new_server.start()
        await expect(page.locator("#connection")).to_have_text("Live")
        posted = page.locator(".message:not(.pending)", has_text="Written meanwhile")
        await expect(posted).to_have_count(1)
        await expect(page.locator(".message.pending")).to_have_count(0)
    async with signed_in_users(new_server.url) as users:
        messages = (await users.bob.list_tree(root)).messages
    assert [message.content for message in messages] == ["Root", "Written meanwhile"]


async def test_without_locks_a_tab_has_its_own_stream(web_server: WebServer, page: Page) -> None:
    """Browsers have no locks on plain HTTP origins other than the machine itself."""
    conversation_id = await create_group(web_server, "No locks")
    root = await web_server.bob.post_root(UUID(conversation_id), PostMessage("Root"))
    await page.add_init_script("Object.defineProperty(navigator, 'locks', { value: undefined })")
    streams = _count_streams(page.context)
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root.root_id}")
    other = await page.context.new_page()
    await other.add_init_script("Object.defineProperty(navigator, 'locks', { value: undefined })")
    await other.goto(web_server.origin)
    for tab in (page, other):
        await expect(tab.locator("#connection")).to_have_text("Live")
    await expect(page.locator(".message")).to_have_count(1)
    assert len(streams) == 2
    await web_server.bob.reply(root.message_id, PostMessage("Also here"))
    await expect(page.locator(".message", has_text="Also here")).to_have_count(1)


async def test_a_request_waits_for_a_rate_limit(web_server: WebServer, page: Page) -> None:
    """The page says for how long, and shows the list when it comes."""
    await create_group(web_server, "Comes after the wait")
    await sign_in(web_server, page)
    is_limited = True

    async def answer(route: Route) -> None:
        await (_refuse(route, "Too many requests.") if is_limited else route.continue_())

    await page.route("**/api/conversations?**", answer)
    await page.reload()
    await expect(page.locator("#notice")).to_contain_text("Trying again in 1 s.")
    is_limited = False
    listed = page.locator("#conversations a", has_text="Comes after the wait")
    await expect(listed.first).to_be_visible()
    await expect(page.locator("#notice")).to_be_hidden()


async def test_a_post_waits_for_a_rate_limit(web_server: WebServer, page: Page) -> None:
    """It says for how long, and is sent again as the same request."""
    group = await create_group(web_server, "Posts after the wait")
    root = await web_server.bob.post_root(UUID(group), PostMessage("Root"))
    await sign_in(web_server, page, f"#/c/{group}/t/{root.root_id}")
    await expect(page.locator(".message")).to_have_count(1)
    detail = "Too many messages; try again in 1 second."
    keys: list[str | None] = []
    is_limited = True

    async def answer(route: Route) -> None:
        keys.append(await route.request.header_value("idempotency-key"))
        await (_refuse(route, detail) if is_limited else route.continue_())

    await page.route("**/reply", answer)
    composer = page.get_by_label("Message", exact=True)
    await composer.fill("Patience")
    await composer.press("Enter")
    await expect(page.locator(".message.pending .failure")).to_have_text(detail)
    is_limited = False
    await expect(page.locator(".message.pending")).to_have_count(0)
    messages = (await web_server.bob.list_tree(root.root_id)).messages
    assert [message.content for message in messages] == ["Root", "Patience"]
    assert len(keys) > 1
    assert len(set(keys)) == 1


async def _refuse(route: Route, detail: str) -> None:
    await route.fulfill(status=429, json={"detail": detail}, headers={"Retry-After": "1"})
