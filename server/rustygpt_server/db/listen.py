"""The connection that listens to NOTIFY, for as long as the process runs.

It is not part of the pool: a pool resets its connections, and would lose the LISTEN. It has to
reach PostgreSQL itself, because poolers in transaction mode drop the LISTEN.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg

from rustygpt_server.db.bootstrap import PoolLogin
from rustygpt_server.db.errors import DRIVER_ERRORS
from rustygpt_server.runtime import Runtime
from rustygpt_server.telemetry import log

_log = log(__name__)

_MIN_BACKOFF: Final = 0.1
_MAX_BACKOFF: Final = 10.0
_CONNECT_SECONDS: Final = 5.0


class NotificationListener:
    """Listens on a channel, and reconnects with exponential backoff (0.1 to 10 s) and jitter."""

    def __init__(self, url: str, login: PoolLogin, runtime: Runtime) -> None:
        self._url = url
        self._login = login
        self._limits = runtime.limits
        self._clock = runtime.clock
        self._wait = _MIN_BACKOFF
        self.connected = asyncio.Event()
        """Set while notifications arrive."""

    async def run(
        self, channel: str, on_data: Callable[[str], None], on_connected: Callable[[], None]
    ) -> None:
        """Listen until cancelled.

        Call `on_connected` per connection, `on_data` per notification.
        """
        while True:
            try:
                async with self._connection() as connection:
                    await self._listen(connection, channel, on_data, on_connected)
            except DRIVER_ERRORS as error:
                _log.warning("not connected to other processes", reason=str(error))
            finally:
                self.connected.clear()
            await self._clock.sleep(self._wait * random.uniform(0.5, 1))  # noqa: S311 - jitter
            self._wait = min(self._wait * 2, _MAX_BACKOFF)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        connection = await asyncpg.connect(
            self._url,
            user=self._login.user,
            password=self._login.password,
            timeout=_CONNECT_SECONDS,
            server_settings={"application_name": "rustygpt listen"},
        )
        try:
            yield connection
        finally:
            connection.terminate()  # no transaction is open, and a dead peer would not answer

    async def _listen(
        self,
        connection: Any,
        channel: str,
        on_data: Callable[[str], None],
        on_connected: Callable[[], None],
    ) -> None:
        """Listen until the connection ends; raise the error that ended it."""
        ended = asyncio.Event()
        connection.add_termination_listener(lambda _: ended.set())
        # asyncpg calls a plain function in the order of arrival, but not a coroutine function.
        await connection.add_listener(channel, lambda *arguments: on_data(arguments[3]))
        self._wait = _MIN_BACKOFF
        self.connected.set()
        on_connected()
        while not await self._closed_within_probe(ended):
            await connection.fetchval(
                "SELECT rustygpt.ping()", timeout=self._limits.listen_probe_timeout
            )
        raise ConnectionError("the connection has ended")

    async def _closed_within_probe(self, ended: asyncio.Event) -> bool:
        """Return whether the connection closed before the next probe, which finds a silent peer."""
        try:
            async with asyncio.timeout(self._limits.listen_probe):
                return await ended.wait()
        except TimeoutError:
            return False
