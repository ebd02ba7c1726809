"""Servers of the web page, and their users."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.clients.web_users import WebServer
from tests.support.password import PASSWORD
from tests.support.servers.server_process import UNLIMITED, ServerProcess, plain_environ

from rustygpt_shared.requests import CreateUser, SetUp
from rustygpt_tui.client.http import connect


def web_server_process(folder: Path, database_url: str, **variables: str) -> ServerProcess:
    """Return a server that is not started yet; `variables` are added to its environment."""
    environ = {
        **plain_environ(),
        "DATABASE_URL": database_url,
        "RUSTYGPT_CONFIG_DIR": str(folder),
        "RUSTYGPT_PROFILE": "test",
        **UNLIMITED,
        **variables,
    }
    return ServerProcess(environ, folder / "server.log")


@asynccontextmanager
async def signed_in_users(origin: str) -> AsyncIterator[WebServer]:
    """Yield the server with Ada, its administrator, and Bob signed in."""
    async with connect(origin) as ada, connect(origin) as bob:
        if not (await ada.show_setup()).is_setup:
            await ada.set_up(SetUp("ada", "ada@example.org", PASSWORD))
        await ada.log_in("ada", PASSWORD)
        if not (await ada.search_users("bob")).users:
            await ada.create_user(CreateUser("bob", "bob@example.org", PASSWORD))
        await bob.log_in("bob", PASSWORD)
        yield WebServer(origin, ada, bob)
