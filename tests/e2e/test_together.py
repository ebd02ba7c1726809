"""Three users and the assistant in one conversation: terminal, command line, browser."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from tests.support.clients.browser import chromium
from tests.support.clients.cli_user import CliUser
from tests.support.fakes.fake_model_server import ScriptedAnswer, chunk, fake_model_server
from tests.support.password import PASSWORD
from tests.support.servers.server_process import ServerProcess, server_on_new_database
from tests.tui.app_driver import AppDriver

from rustygpt_tui.app import RustyGPT
from rustygpt_tui.config import load_settings

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("client_folders")]


@asynccontextmanager
async def terminal_of(server: ServerProcess, name: str) -> AsyncIterator[AppDriver]:
    """Yield the terminal chat, signed in through its own form."""
    app = RustyGPT(load_settings(), server=server.url, account=None, local=False)
    try:
        async with app.run_test(size=(110, 34), notifications=True) as pilot:
            driver = AppDriver(app, pilot)
            await driver.until("Sign in")
            app.screen.query_one("#name").value = name  # type: ignore[attr-defined]
            app.screen.query_one("#password").value = PASSWORD  # type: ignore[attr-defined]
            await pilot.press("enter")
            await driver.until("Conversations")
            yield driver
    finally:
        await app.aclose()


@asynccontextmanager
async def browser_of(server: ServerProcess, name: str) -> AsyncIterator[Page]:
    """Yield the web page in Chromium, signed in through its own form."""
    async with chromium() as browser:
        page = await browser.new_page()
        await page.goto(server.url)
        await page.get_by_label("User name or e-mail address").fill(name)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await expect(page.locator("#who")).to_have_text(name)
        yield page


async def people(server: ServerProcess, folder: Path) -> CliUser:
    """Return Ann at the command line, who has set up the server; Bob and Cid have accounts."""
    ann = CliUser(folder / "ann", server.url)
    (folder / "ann").mkdir()
    setup = ("setup", "--username", "ann", "--email", "ann@example.org", "--password-stdin")
    await ann.run(*setup, stdin=PASSWORD)
    await ann.run("login", "--email", "ann", "--password-stdin", stdin=PASSWORD)
    for name in ("bob", "cid"):
        create = ("admin", "users", "create", name, "--email", f"{name}@example.org")
        await ann.run(*create, "--password-stdin", stdin=PASSWORD)
    await ann.run("conversations", "create", "Harbour", "--group")
    for name in ("bob", "cid"):
        await ann.run("members", "add", "Harbour", name)
    return ann


async def test_all_see_the_same_conversation_live(
    real_server: ServerProcess, tmp_path: Path
) -> None:
    """Each message appears everywhere at once, and the assistant's answer streams to all."""
    ann = await people(real_server, tmp_path)
    async with (
        ann.follow("Harbour") as following,
        terminal_of(real_server, "bob") as bob,
        browser_of(real_server, "cid") as cid,
    ):
        await bob.until("● live")
        await cid.get_by_role("link", name="Harbour").click()
        await expect(cid.locator("#connection")).to_have_attribute("data-state", "live")

        await ann.run("post", "Harbour", "from the command line")
        await bob.until("from the command line")
        await bob.pilot.press("n")
        await bob.until("ann  ")
        await cid.locator("#threads a", has_text="from the command line").click()
        await expect(cid.locator("#messages")).to_contain_text("from the command line")

        await cid.locator("#composer textarea").fill("@assistant hello from the browser")
        await cid.locator("#composer textarea").press("Enter")
        await bob.until("hello from the browser")
        done = await following.until("message.done")
        await bob.until("no language model is behind me")
        await expect(cid.locator("#messages")).to_contain_text("no language model is behind me")

    assert done["payload"]["finish_reason"] == "stop"


@pytest.fixture
async def writing_server(tmp_path: Path, cluster_url: str) -> AsyncIterator[ServerProcess]:
    """A server whose assistant begins an answer and never ends it."""
    unfinished = ScriptedAnswer([chunk("I begin to write"), asyncio.Event()])
    async with fake_model_server(unfinished) as model:
        more = {"OPENAI_BASE_URL": model.url, "OPENAI_API_KEY": "k"}
        async with server_on_new_database(tmp_path, cluster_url, **more) as running:
            yield running


async def test_a_killed_server_loses_nothing(writing_server: ServerProcess, tmp_path: Path) -> None:
    """SIGKILL in the middle of an answer: clients reconnect, every acknowledged post is there."""
    ann = await people(writing_server, tmp_path)
    async with (
        ann.follow("Harbour") as following,
        terminal_of(writing_server, "bob") as bob,
        browser_of(writing_server, "cid") as cid,
    ):
        await cid.get_by_role("link", name="Harbour").click()
        await ann.run("post", "Harbour", "@assistant please write")
        started = await following.until("message.delta")
        await bob.until("please write")
        await bob.pilot.press("n")
        await bob.until("I begin to write")
        await writing_server.kill()
        await bob.until("offline", seconds=60)
        await writing_server.start()

        done = await following.until("message.done", seconds=60)
        await bob.until("● live", seconds=40)
        await ann.run("post", "Harbour", "and on we go")
        await bob.until("and on we go", seconds=60)
        await expect(cid.locator("#threads")).to_contain_text("and on we go")

    shown = (await ann.json("threads", "Harbour"))[-1]
    assert done["payload"]["message_id"] == started["payload"]["message_id"]
    assert done["payload"]["finish_reason"] == "error"
    assert shown["message_count"] == 2
    numbers = [int(e["id"].removeprefix("evt_")) for e in following.events if "id" in e]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
