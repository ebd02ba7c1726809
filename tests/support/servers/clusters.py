"""Several servers on one database that tests stop one by one, in this process or their own."""

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
    """Servers that share one database."""

    superuser: Any
    """A superuser's connection to it."""

    @property
    def urls(self) -> list[str]:
        """The URL of each server; it may change at a restart."""

    async def restart(self, index: int) -> None:
        """Stop a server and start it again."""

    async def cut_listeners(self) -> None:
        """Terminate the LISTEN connections of all servers."""

    async def let_time_pass(self, seconds: float) -> None:
        """Let time pass."""


class InProcessCluster:
    """Servers in this process, with a clock that the test moves."""

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
        """The URL of each server."""
        return [url for _, url in self._running]

    async def add(self) -> None:
        """Start one more server."""
        stack = AsyncExitStack()
        server = await stack.enter_async_context(self._start(self._clock))
        self._running.append((stack, server.url))

    async def restart(self, index: int) -> None:
        """Shut a server down and start it again, on another port."""
        stack, _ = self._running[index]
        await stack.aclose()
        await self.add()
        self._running[index] = self._running.pop()

    async def cut_listeners(self) -> None:
        """Terminate the LISTEN connections; servers reconnect when time passes."""
        await self.superuser.fetch(_TERMINATE_LISTENERS)

    async def let_time_pass(self, seconds: float) -> None:
        """Let time pass in small steps, so that tasks run in between."""
        for _ in range(max(1, round(seconds * 4))):
            self._clock.advance(0.25)
            await asyncio.sleep(0.001)

    async def close(self) -> None:
        """Stop all servers."""
        for stack, _ in self._running:
            await stack.aclose()


class ProcessCluster:
    """Servers in processes of their own, which are killed."""

    def __init__(self, servers: list[ServerProcess], superuser: Any) -> None:
        self.servers = servers
        self.superuser = superuser

    @property
    def urls(self) -> list[str]:
        """The URL of each server."""
        return [server.url for server in self.servers]

    async def restart(self, index: int) -> None:
        """Kill a server and start it again."""
        await self.servers[index].kill()
        await self.servers[index].start()

    async def cut_listeners(self) -> None:
        """Terminate the LISTEN connections; servers reconnect within seconds."""
        await self.superuser.fetch(_TERMINATE_LISTENERS)

    async def let_time_pass(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


@asynccontextmanager
async def process_cluster(
    folder: Path, database_url: str, count: int, **environ: str
) -> AsyncIterator[ProcessCluster]:
    """Run `count` server processes on a database without any script applied."""
    async with AsyncExitStack() as stack:
        servers = []
        for _ in range(count):
            home = Path(tempfile.mkdtemp(dir=folder))
            server = server_process(home, database_url, **environ)
            servers.append(await stack.enter_async_context(server))
        superuser = await stack.enter_async_context(connected(database_url))
        yield ProcessCluster(servers, superuser)


def same_session_at(url: str, person: HttpUser) -> HttpUser:
    """Return a client with the same session at another server."""
    client = httpx.AsyncClient(base_url=url, timeout=60, cookies=person.client.cookies)
    return HttpUser(client, person.id, person.csrf)
