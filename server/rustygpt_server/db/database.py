"""The pool of connections, as the application's role.

Callers get rows, refusals or Unavailable; nobody else sees asyncpg. Transactions are the
procedures' own business: every call here is one statement.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg

from rustygpt_server.db.errors import DRIVER_ERRORS, from_driver_error, is_broken
from rustygpt_server.errors import Unavailable

LOCK_TIMEOUT_MS: Final = 2_000
ACQUIRE_SECONDS: Final = 5.0

Row = Sequence[Any]


async def _no_reset(_connection: Any) -> None:
    """Nothing to reset on release: procedures leave no session state behind."""


class Database:
    """A bounded pool; waiting callers are served in the order they came."""

    def __init__(self, pool: Any, size: int, acquire_seconds: float = ACQUIRE_SECONDS) -> None:
        self._pool = pool
        self._slots = asyncio.Semaphore(size)
        self._acquire_seconds = acquire_seconds
        self.size = size
        self.in_use = 0
        self.statements = 0
        """How many were sent."""
        self.unconfirmed = 0
        """How many statements ended without an answer: they may have been done all the same."""

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        user: str | None = None,
        password: str | None = None,
        size: int = 10,
        statement_timeout_ms: int = 5_000,
        durable: bool = True,
        persist_events: bool = True,
    ) -> "Database":
        """A database at a URL, as another user than the URL's if one is named.

        Commits that are not `durable` do not wait for the disk: only for what may be lost. Without
        `logs_events`, events are numbered but not kept.
        Raises Unavailable when it cannot be reached.
        """
        pool = asyncpg.create_pool(
            url,
            user=user,
            password=password,
            min_size=1,
            max_size=size,
            reset=_no_reset,
            command_timeout=statement_timeout_ms / 1000 + 1,
            server_settings={
                **_settings(statement_timeout_ms, durable=durable),
                **({} if persist_events else {"rustygpt.persist_events": "off"}),
            },
        )
        async with translated_errors():
            await pool
        return cls(pool, size)

    async def fetch(self, query: str, *args: object) -> Sequence[Row]:
        """All rows of a statement."""
        async with self._connection() as connection:
            return list(await connection.fetch(query, *args))

    async def fetch_row(self, query: str, *args: object) -> Row | None:
        """The first row, or None."""
        async with self._connection() as connection:
            row: Row | None = await connection.fetchrow(query, *args)
            return row

    async def fetch_one(self, query: str, *args: object) -> Row:
        """The one row of a procedure that always has one."""
        row = await self.fetch_row(query, *args)
        if row is None:
            raise LookupError(f"no row from: {query}")
        return row

    async def fetch_value(self, query: str, *args: object) -> Any:
        """The first field of the first row, or None."""
        async with self._connection() as connection:
            return await connection.fetchval(query, *args)

    async def close(self) -> None:
        """Close all connections; those in use get a second to come back."""
        try:
            await asyncio.wait_for(self._pool.close(), 1.0)
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        async with translated_errors(), self._slot():
            connection = await self._pool.acquire(timeout=self._acquire_seconds)
            self.statements += 1
            try:
                async with translated_errors():
                    yield connection
            except Unavailable as error:
                self.unconfirmed += 1
                if is_broken(error.__cause__):
                    # asyncpg itself may take a while to see it, and hand it out again until then.
                    connection.terminate()
                raise
            finally:
                await self._pool.release(connection)

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        """A place in the pool; asyncio's semaphore wakes waiters first come, first served.

        `asyncio.wait_for` would swallow a cancellation that comes in the same turn (Python 3.11).
        """
        try:
            async with asyncio.timeout(self._acquire_seconds):
                await self._slots.acquire()
        except TimeoutError:
            raise Unavailable("The database is busy; try again in a moment.") from None
        self.in_use += 1
        try:
            yield
        finally:
            self.in_use -= 1
            self._slots.release()


def _settings(statement_timeout_ms: int, *, durable: bool) -> dict[str, str]:
    """What PostgreSQL is told once per connection; nothing of it is changed later."""
    lasting = {} if durable else {"synchronous_commit": "off"}
    return {
        **lasting,
        "application_name": "rustygpt",
        "statement_timeout": str(statement_timeout_ms),
        "lock_timeout": str(min(LOCK_TIMEOUT_MS, statement_timeout_ms)),
        "jit": "off",
    }


@asynccontextmanager
async def translated_errors() -> AsyncIterator[None]:
    """Turn the driver's errors into ours; faults of the program stay what they are."""
    try:
        yield
    except DRIVER_ERRORS as error:
        told = from_driver_error(error)
        if told is None:
            raise
        raise told from error
