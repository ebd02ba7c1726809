"""The pool of connections, which log in as the application's role.

Callers get rows or exceptions of `rustygpt_server.errors`; only this package knows asyncpg. Each
call is one statement: transactions are the procedures' business.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg

from rustygpt_server.db.errors import DRIVER_ERRORS, from_driver_error, is_broken
from rustygpt_server.errors import LoginRefused, Unavailable
from rustygpt_server.telemetry import log

_log = log(__name__)

LOCK_TIMEOUT_MS: Final = 2_000
ACQUIRE_SECONDS: Final = 5.0
_REFUSAL_LOG_SECONDS: Final = 60.0

Row = Sequence[Any]


async def _no_reset(_connection: Any) -> None:
    """Skip the reset on release: procedures leave no session state behind."""


class Database:
    """A bounded pool; callers that wait are served in the order of their arrival."""

    def __init__(self, pool: Any, size: int, acquire_seconds: float = ACQUIRE_SECONDS) -> None:
        self._pool = pool
        self._slots = asyncio.Semaphore(size)
        self._acquire_seconds = acquire_seconds
        self.size = size
        self.in_use = 0
        self.statements = 0
        """Number of statements that were sent."""
        self.unconfirmed = 0
        """Number of statements that ended without a response and may have been committed."""
        self._log_refusal_after = 0.0

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
        """Connect to the database at a URL, as another user than the URL's if one is named.

        Commits that are not `durable` do not wait for the disk: only for data that may be lost.
        Without `persist_events`, events are numbered but not stored.
        Raises Unavailable when there is no connection.
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
        """Return all rows of a statement."""
        async with self._connection() as connection:
            return list(await connection.fetch(query, *args))

    async def fetch_row(self, query: str, *args: object) -> Row | None:
        """Return the first row, or None."""
        async with self._connection() as connection:
            row: Row | None = await connection.fetchrow(query, *args)
            return row

    async def fetch_one(self, query: str, *args: object) -> Row:
        """Return the row of a procedure that always returns one."""
        row = await self.fetch_row(query, *args)
        if row is None:
            raise LookupError(f"no row from: {query}")
        return row

    async def fetch_value(self, query: str, *args: object) -> Any:
        """Return the first field of the first row, or None."""
        async with self._connection() as connection:
            return await connection.fetchval(query, *args)

    async def close(self) -> None:
        """Close all connections; wait at most 1 s for those in use."""
        try:
            await asyncio.wait_for(self._pool.close(), 1.0)
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        async with translated_errors(), self._slot():
            connection = await self._acquire()
            self.statements += 1
            try:
                async with translated_errors():
                    yield connection
            except Unavailable as error:
                self.unconfirmed += 1
                if is_broken(error.__cause__):
                    # asyncpg may notice the loss later, and would hand the connection out again.
                    connection.terminate()
                raise
            finally:
                await self._pool.release(connection)

    async def _acquire(self) -> Any:
        """Return a connection; log once a minute that the database refuses new ones."""
        try:
            async with translated_errors():
                return await self._pool.acquire(timeout=self._acquire_seconds)
        except LoginRefused as error:
            now = asyncio.get_running_loop().time()
            if now >= self._log_refusal_after:
                self._log_refusal_after = now + _REFUSAL_LOG_SECONDS
                _log.error(str(error))
            raise

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        """Hold a slot of the pool; asyncio's semaphore wakes waiters first come, first served.

        `asyncio.wait_for` would lose a cancellation that arrives in the same iteration of the event
        loop (Python 3.11).
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
    """Return the session settings that each connection starts with; none is changed later."""
    commit = {} if durable else {"synchronous_commit": "off"}
    return {
        **commit,
        "application_name": "rustygpt",
        "statement_timeout": str(statement_timeout_ms),
        "lock_timeout": str(min(LOCK_TIMEOUT_MS, statement_timeout_ms)),
        "jit": "off",
    }


@asynccontextmanager
async def translated_errors() -> AsyncIterator[None]:
    """Turn the driver's errors into ours; defects of the program keep their exception."""
    try:
        yield
    except DRIVER_ERRORS as error:
        translated = from_driver_error(error)
        if translated is None:
            raise
        if isinstance(error, asyncpg.PostgresError) and type(translated) is Unavailable:
            # PostgreSQL itself does not log the errors of the pool's role; see 910_login.sql.
            _log.warning("a statement failed", sqlstate=error.sqlstate, reason=str(error))
        raise translated from error
