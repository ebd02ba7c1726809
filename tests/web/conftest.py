"""Fixtures for the web page: a browser, and a server with two users.

One browser serves all tests of the page, each in a context of its own, so these tests run in one
event loop: to start a browser takes a second of processor time.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page
from tests.support.clients.browser import chromium
from tests.support.clients.web_users import WebServer
from tests.support.database import databases
from tests.support.servers.server_process import ServerProcess
from tests.web.servers import signed_in_users, web_server_process

_FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of this folder in the event loop that the browser's connection belongs to."""
    for item in items:
        if item.path.is_relative_to(_FOLDER):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="package")
def web_database_url(cluster_url: str) -> Iterator[str]:
    """A new database for the server of the page; yields a superuser's URL."""
    url = asyncio.run(databases.create(cluster_url))
    yield url
    asyncio.run(databases.drop(cluster_url, url))


@pytest.fixture(scope="package")
def fresh_origin(web_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that the first test which uses it sets up."""
    server = web_server_process(tmp_path_factory.mktemp("server"), web_database_url)
    server.start_blocking()
    try:
        yield server.url
    finally:
        server.stop_blocking()


@pytest_asyncio.fixture(loop_scope="session")
async def new_server(cluster_url: str, tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """A server that nobody has set up, and that the test may stop and start."""
    database_url = await databases.create(cluster_url)
    server = web_server_process(tmp_path, database_url)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
        await databases.drop(cluster_url, database_url)


@pytest_asyncio.fixture(loop_scope="session")
async def web_server(fresh_origin: str) -> AsyncIterator[WebServer]:
    """The server with Ada and Bob signed in."""
    async with signed_in_users(fresh_origin) as users:
        yield users


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A headless browser; a test closes the contexts that it opens."""
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page; errors on its console fail the test, except 4xx responses and broken connections."""
    async with _opened_page(browser) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def other_page(browser: Browser) -> AsyncIterator[Page]:
    """A page like `page` in another browser, with its own cookies: of a second person, say."""
    async with _opened_page(browser) as opened:
        yield opened


@asynccontextmanager
async def _opened_page(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context()
    opened = await context.new_page()
    errors: list[str] = []
    context.on("weberror", lambda error: errors.append(str(error.error)))
    context.on(
        "console",
        lambda message: errors.append(message.text) if message.type == "error" else None,
    )
    yield opened
    await context.close()
    assert [text for text in errors if "status of 4" not in text and "net::" not in text] == []
