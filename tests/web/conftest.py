"""Fixtures for the web page: a browser, and a server with two users."""

from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser, Page
from tests.support.clients.browser import chromium
from tests.support.clients.web_users import WebServer
from tests.support.password import PASSWORD
from tests.support.servers.server_process import blocking_server_process

from rustygpt_shared.requests import CreateUser, SetUp
from rustygpt_tui.client.http import connect


@pytest.fixture(scope="package")
def fresh_origin(cluster_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that the first test which uses it sets up."""
    with blocking_server_process(tmp_path_factory.mktemp("server"), cluster_url) as origin:
        yield origin


@pytest.fixture
async def web_server(fresh_origin: str) -> AsyncIterator[WebServer]:
    """The server with Ada and Bob signed in."""
    async with connect(fresh_origin) as ada, connect(fresh_origin) as bob:
        if not await ada.is_setup():
            await ada.set_up(SetUp("ada", "ada@example.org", PASSWORD))
        await ada.log_in("ada", PASSWORD)
        if not (await ada.search_users("bob")).users:
            await ada.create_user(CreateUser("bob", "bob@example.org", PASSWORD))
        await bob.log_in("bob", PASSWORD)
        yield WebServer(fresh_origin, ada, bob)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A headless browser."""
    async with chromium() as running:
        yield running


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page; errors on its console fail the test, except 4xx responses and broken connections."""
    context = await browser.new_context()
    opened = await context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on(
        "console",
        lambda message: errors.append(message.text) if message.type == "error" else None,
    )
    yield opened
    await context.close()
    assert [text for text in errors if "status of 4" not in text and "net::" not in text] == []
