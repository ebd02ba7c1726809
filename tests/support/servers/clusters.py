"""Several servers on one database, to break one by one: in this process, or in their own."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import httpx
from tests.support.database.databases import connected
from tests.support.fakes.fake_clock import FakeClock
from tests.support.servers.in_process_server import HttpUser, RunningServer
from tests.support.servers.server_process import ServerProcess, server_process

_TERMINATE_LISTENERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'rustygpt listen'
"""


class Cluster(Protocol):
    """Servers that all work on one database."""

    superuser: Any
    """A superuser's connection to it."""

    @property
    def urls(self) -> list[str]:
        """Where each server is; another place after a restart, perhaps."""

    async def restart(self, index: int) -> None:
        """End a server and start it again."""

    async def cut_listeners(self) -> None:
        """End what listens to the other servers, in all of them."""

    async def let_time_pass(self, seconds: float) -> None:
        """Let time pass."""


class InProcessCluster:
    """Servers in this process; time passes when it is told to."""

    def __init__(
        self,
        start: Callable[[FakeClock], AbstractAsyncContextManager[RunningServer]],
        superuser: Any,
    ) -> None:
        self._start = start
        self._clock = FakeClock()
        self._running: list[tuple[AsyncExitStack, str]] = []
        self.superuser = superuser

    @property
    def urls(self) -> list[str]:
        """Where each server is."""
        return [url for _, url in self._running]

    async def add(self) -> None:
        """Start one more."""
        stack = AsyncExitStack()
        site = await stack.enter_async_context(self._start(self._clock))
        self._running.append((stack, site.url))

    async def restart(self, index: int) -> None:
        """End a server in good order and start it again, elsewhere."""
        stack, _ = self._running[index]
        await stack.aclose()
        await self.add()
        self._running[index] = self._running.pop()

    async def cut_listeners(self) -> None:
        """End what listens; it is taken up again when time passes."""
        await self.superuser.fetch(_TERMINATE_LISTENERS)

    async def let_time_pass(self, seconds: float) -> None:
        """Let time pass, in small steps, so that what is due gets its turn in between."""
        for _ in range(max(1, round(seconds * 4))):
            self._clock.advance(0.25)
            await asyncio.sleep(0.001)

    async def close(self) -> None:
        """End all."""
        for stack, _ in self._running:
            await stack.aclose()


class ProcessCluster:
    """Servers in processes of their own, which are killed without a word."""

    def __init__(self, servers: list[ServerProcess], superuser: Any) -> None:
        self.servers = servers
        self.superuser = superuser

    @property
    def urls(self) -> list[str]:
        """Where each server is."""
        return [server.url for server in self.servers]

    async def restart(self, index: int) -> None:
        """Kill a server and start it again."""
        await self.servers[index].kill()
        await self.servers[index].start()

    async def cut_listeners(self) -> None:
        """End what listens; it is taken up again in a moment."""
        await self.superuser.fetch(_TERMINATE_LISTENERS)

    async def let_time_pass(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


@asynccontextmanager
async def process_cluster(
    folder: Path, database_url: str, count: int, **more: str
) -> AsyncIterator[ProcessCluster]:
    """So many processes on a database that nothing was applied to."""
    async with AsyncExitStack() as stack:
        servers = []
        for _ in range(count):
            home = Path(tempfile.mkdtemp(dir=folder))
            running = server_process(home, database_url, **more)
            servers.append(await stack.enter_async_context(running))
        owner = await stack.enter_async_context(connected(database_url))
        yield ProcessCluster(servers, owner)


def same_session_at(url: str, person: HttpUser) -> HttpUser:
    """The same session at another server."""
    client = httpx.AsyncClient(base_url=url, timeout=20, cookies=person.client.cookies)
    return HttpUser(client, person.id, person.csrf)
