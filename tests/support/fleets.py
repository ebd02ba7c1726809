"""Several servers on one database, to break one by one: in this process, or in their own."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import httpx
from tests.support.api import Person, Site
from tests.support.clocks import TestClock
from tests.support.databases import connected
from tests.support.server import ServerProcess, server_process

_END_LISTENING = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'rustygpt listen'
"""


class Fleet(Protocol):
    """Servers that all work on one database."""

    owner: Any
    """A superuser's connection to it."""

    @property
    def urls(self) -> list[str]:
        """Where each server is; another place after a restart, perhaps."""

    async def restart(self, place: int) -> None:
        """End a server and start it again."""

    async def cut_lines(self) -> None:
        """End what listens to the other servers, in all of them."""

    async def pause(self, seconds: float) -> None:
        """Let time pass."""


class LocalFleet:
    """Servers in this process; time passes when it is told to."""

    def __init__(
        self,
        start: Callable[[TestClock], AbstractAsyncContextManager[Site]],
        owner: Any,
    ) -> None:
        self._start = start
        self._clock = TestClock()
        self._running: list[tuple[AsyncExitStack, str]] = []
        self.owner = owner

    @property
    def urls(self) -> list[str]:
        """Where each server is."""
        return [url for _, url in self._running]

    async def add(self) -> None:
        """Start one more."""
        stack = AsyncExitStack()
        site = await stack.enter_async_context(self._start(self._clock))
        self._running.append((stack, site.url))

    async def restart(self, place: int) -> None:
        """End a server in good order and start it again, elsewhere."""
        stack, _ = self._running[place]
        await stack.aclose()
        await self.add()
        self._running[place] = self._running.pop()

    async def cut_lines(self) -> None:
        """End what listens; it is taken up again when time passes."""
        await self.owner.fetch(_END_LISTENING)

    async def pause(self, seconds: float) -> None:
        """Let time pass, in small steps, so that what is due gets its turn in between."""
        for _ in range(max(1, round(seconds * 4))):
            self._clock.move(0.25)
            await asyncio.sleep(0.001)

    async def close(self) -> None:
        """End all."""
        for stack, _ in self._running:
            await stack.aclose()


class RealFleet:
    """Servers in processes of their own, which are killed without a word."""

    def __init__(self, servers: list[ServerProcess], owner: Any) -> None:
        self.servers = servers
        self.owner = owner

    @property
    def urls(self) -> list[str]:
        """Where each server is."""
        return [server.url for server in self.servers]

    async def restart(self, place: int) -> None:
        """Kill a server and start it again."""
        await self.servers[place].kill()
        await self.servers[place].start()

    async def cut_lines(self) -> None:
        """End what listens; it is taken up again in a moment."""
        await self.owner.fetch(_END_LISTENING)

    async def pause(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


@asynccontextmanager
async def real_fleet(
    folder: Path, database_url: str, count: int, **more: str
) -> AsyncIterator[RealFleet]:
    """So many processes on a database that nothing was applied to."""
    async with AsyncExitStack() as stack:
        servers = []
        for _ in range(count):
            home = Path(tempfile.mkdtemp(dir=folder))
            running = server_process(home, database_url, **more)
            servers.append(await stack.enter_async_context(running))
        owner = await stack.enter_async_context(connected(database_url))
        yield RealFleet(servers, owner)


def at(url: str, person: Person) -> Person:
    """The same session at another server."""
    client = httpx.AsyncClient(base_url=url, timeout=20, cookies=person.client.cookies)
    return Person(client, person.id, person.csrf)
