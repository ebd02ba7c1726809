"""A server whose streams are switched off: its clients say so and poll."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect
from tests.e2e.test_together import browser_of, people, terminal_of
from tests.support.servers.server_process import ServerProcess, server_on_new_database
from tests.tui.app_driver import AppDriver

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("client_folders")]


@pytest.fixture
async def quiet_server(tmp_path: Path, cluster_url: str) -> AsyncIterator[ServerProcess]:
    """A server with the demo assistant and without streams."""
    more = {
        "RUSTYGPT__LLM__DEFAULT_MODEL": "demo",
        "RUSTYGPT__FEATURES__SSE_V1": "false",
    }
    async with server_on_new_database(tmp_path, cluster_url, **more) as running:
        yield running


async def _open_next_unread(bob: AppDriver) -> None:
    """Press the key until the thread is open: its unread count is fetched after the thread."""
    async with asyncio.timeout(60):
        while "ann  " not in bob.text():
            await bob.pilot.press("n")
            await bob.pilot.pause(0.2)


async def test_clients_poll_a_server_without_streams(
    quiet_server: ServerProcess, tmp_path: Path
) -> None:
    """Terminal, page, `follow` and `ask` get messages and answers, each a little later."""
    ann = await people(quiet_server, tmp_path)
    async with (
        ann.follow("Harbour") as following,
        terminal_of(quiet_server, "bob") as bob,
        browser_of(quiet_server, "cid") as cid,
    ):
        await following.until_note("no live updates")
        await bob.until("no live updates")
        await expect(cid.locator("#connection")).to_contain_text("No live updates")
        await cid.get_by_role("link", name="Harbour").click()

        await ann.run("post", "Harbour", "from the command line")
        event = await following.until("message.new", "from the command line")
        assert "id" not in event
        await bob.until("from the command line")
        await _open_next_unread(bob)
        await cid.locator("#threads a", has_text="from the command line").click()
        await expect(cid.locator("#messages")).to_contain_text("from the command line")

        answer = await ann.run("ask", "Harbour", "what are you?")
        assert "no language model is behind me" in answer
        await following.until("message.new", "no language model is behind me")
        await expect(cid.locator("#threads")).to_contain_text("what are you?")

        await cid.locator("#composer textarea").fill("from the browser")
        await cid.locator("#composer textarea").press("Enter")
        await bob.until("from the browser")
