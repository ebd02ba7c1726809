"""A server whose accounts are switched off: its clients say what is left of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect
from tests.support.clients.browser import chromium
from tests.support.clients.cli_user import CliUser
from tests.support.servers.server_process import ServerProcess, server_on_new_database
from tests.tui.app_driver import AppDriver

from rustygpt_tui.app import RustyGPT
from rustygpt_tui.config import load_settings

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("client_folders")]


@pytest.fixture
async def open_server(tmp_path: Path, cluster_url: str) -> AsyncIterator[ServerProcess]:
    """A server without accounts."""
    more = {"RUSTYGPT__FEATURES__AUTH_V1": "false"}
    async with server_on_new_database(tmp_path, cluster_url, **more) as running:
        yield running


async def test_clients_say_what_is_left(open_server: ServerProcess, tmp_path: Path) -> None:
    """The commands, the terminal chat and the page; each in one sentence."""
    ann = CliUser(tmp_path, open_server.url)
    log_in = ("login", "--email", "ann", "--password-stdin")
    for arguments in (("conversations",), ("me",), log_in):
        error = await ann.error(*arguments, stdin="a password", expect=1)
        assert "switched off" in error, arguments
        assert "/docs" in error
    app = RustyGPT(load_settings(), server=open_server.url, account=None, local=False)
    async with app.run_test(size=(110, 34)) as pilot:
        await AppDriver(app, pilot).until("switched off")
    await app.aclose()
    async with chromium() as browser:
        page = await browser.new_page()
        await page.goto(open_server.url)
        await expect(page.locator("#notice")).to_contain_text("switched off")
        assert (await page.goto(f"{open_server.url}/docs")).ok  # type: ignore[union-attr]
