"""A Redis of the test's own, that it may stop and start again.

`RUSTYGPT_TEST_REDIS_URL` names one to use where only a running Redis is needed.
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
    """`redis-server` on a port of this machine, without a file."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._port = free_port()
        self.url = f"redis://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Start, and wait until it takes connections."""
        flags = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
        self._process = await asyncio.create_subprocess_exec(
            *(PROGRAM or "redis-server", "--port", str(self._port), *flags),
            stdout=DEVNULL,
            stderr=DEVNULL,
        )
        async with asyncio.timeout(10):
            while not await self._is_reachable():
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """End it the hard way."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None

    def freeze(self, *, on: bool) -> None:
        """Let it say nothing more, though its connections stay; or wake it up."""
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
    """A running Redis."""
    server = RedisServer()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def redis_url() -> AsyncIterator[str]:
    """The URL of the Redis that a variable names, else of one of the test's own."""
    given = os.environ.get("RUSTYGPT_TEST_REDIS_URL")
    if given:
        yield given
        return
    async with redis_server() as server:
        yield server.url
