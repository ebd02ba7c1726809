"""A Redis of the test's own, which it can stop and start again.

`RUSTYGPT_TEST_REDIS_URL` is the URL of a Redis for tests that need only a running one.
"""

import asyncio
import os
import shutil
import signal
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.support.servers.server_process import free_port

PROGRAM = shutil.which("redis-server")


class RedisServer:
    """`redis-server` on a port of this machine, without persistence."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._port = free_port()
        self.url = f"redis://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Start it, and wait until it accepts connections."""
        flags = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
        self._process = await asyncio.create_subprocess_exec(
            PROGRAM or "redis-server",
            "--port",
            str(self._port),
            *flags,
            stdout=DEVNULL,
            stderr=DEVNULL,
        )
        async with asyncio.timeout(60):
            while not await self._is_reachable():
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None

    def freeze(self, *, on: bool) -> None:
        """Suspend it, so that its connections stay open without data; or resume it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP if on else signal.SIGCONT)

    async def _is_reachable(self) -> bool:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", self._port)
            writer.close()
            await writer.wait_closed()
            return True
        return False


@asynccontextmanager
async def redis_server() -> AsyncIterator[RedisServer]:
    """Run a Redis."""
    server = RedisServer()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def redis_url() -> AsyncIterator[str]:
    """Yield the URL of the configured Redis, or of one of the test's own."""
    configured_url = os.environ.get("RUSTYGPT_TEST_REDIS_URL")
    if configured_url:
        yield configured_url
        return
    async with redis_server() as server:
        yield server.url
