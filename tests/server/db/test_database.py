"""The pool: its limits, its order, and its errors without a database."""

import asyncio
import time

import asyncpg
import pytest
from tests.support.database import databases

from rustygpt_server.db.bootstrap import PoolLogin
from rustygpt_server.db.database import Database
from rustygpt_server.errors import Unavailable


async def test_a_released_connection_is_not_reset(database_url: str, pool_login: PoolLogin) -> None:
    """Statements on a pool of one connection share its session."""
    async with databases.pool(database_url, pool_login, size=1) as pool:
        first = await pool.fetch_value("SELECT pg_backend_pid()")
        await pool.fetch_value("SELECT set_config('rustygpt.left', 'here', false)")
        assert await pool.fetch_value("SELECT current_setting('rustygpt.left', true)") == "here"
        assert await pool.fetch_value("SELECT pg_backend_pid()") == first


async def test_connections_are_given_in_the_order_of_the_requests(
    database_url: str, pool_login: PoolLogin
) -> None:
    """Waiting callers get a connection first come, first served."""
    order: list[int] = []
    async with databases.pool(database_url, pool_login, size=1) as pool:

        async def query(number: int) -> None:
            await pool.fetch_value("SELECT pg_sleep(0.002)")
            order.append(number)

        await asyncio.gather(*(query(n) for n in range(20)))
        assert pool.in_use == 0
    assert order == list(range(20))


async def test_connections_in_use_are_counted(database_url: str, pool_login: PoolLogin) -> None:
    """The pool reports its size too."""
    async with databases.pool(database_url, pool_login, size=2) as pool:
        queries = [asyncio.create_task(pool.fetch_value("SELECT pg_sleep(0.2)")) for _ in range(3)]
        deadline = time.monotonic() + 5
        while pool.in_use < 2 and time.monotonic() < deadline:
            await asyncio.sleep(0.005)
        assert (pool.in_use, pool.size) == (2, 2)
        await asyncio.gather(*queries)
        assert pool.in_use == 0


async def test_waiting_for_a_connection_has_a_timeout(
    database_url: str, pool_login: PoolLogin
) -> None:
    """The error says that the database is busy."""
    async with asyncpg.create_pool(
        database_url, user=pool_login.user, password=pool_login.password, min_size=1, max_size=1
    ) as connections:
        database = Database(connections, 1, acquire_seconds=0.05)
        long_query = asyncio.create_task(database.fetch_value("SELECT pg_sleep(0.5)"))
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="busy"):
            await database.fetch_value("SELECT 1")
        await long_query


async def test_a_cancelled_statement_frees_its_connection(
    database_url: str, pool_login: PoolLogin
) -> None:
    """The pool works as before."""
    async with databases.pool(database_url, pool_login, size=1) as pool:
        for _ in range(3):
            task = asyncio.create_task(pool.fetch_value("SELECT pg_sleep(30)"))
            while not pool.in_use:
                await asyncio.sleep(0.005)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert await pool.fetch_value("SELECT 1") == 1
        assert pool.in_use == 0


async def test_statements_have_a_timeout(database_url: str, pool_login: PoolLogin) -> None:
    """A statement that exceeds it raises Unavailable."""
    database = await Database.connect(
        database_url, user=pool_login.user, password=pool_login.password, statement_timeout_ms=50
    )
    with pytest.raises(Unavailable):
        await database.fetch_value("SELECT pg_sleep(5)")
    await database.close()


async def test_lost_connections_are_replaced(database_url: str, pool_login: PoolLogin) -> None:
    """One call fails after the connections were terminated, and the next one succeeds."""
    async with databases.pool(database_url, pool_login, size=1) as pool:
        terminated_pid = await pool.fetch_value("SELECT pg_backend_pid()")
        async with databases.connected(database_url) as superuser:
            await superuser.fetchval("SELECT pg_terminate_backend($1, 5000)", terminated_pid)
        for _ in range(2):
            try:
                new_pid = await pool.fetch_value("SELECT pg_backend_pid()")
                break
            except Unavailable:
                continue
        assert new_pid != terminated_pid


async def test_an_unreachable_server_is_unavailable() -> None:
    """Connecting without a server raises Unavailable."""
    with pytest.raises(Unavailable):
        await Database.connect("postgresql://x@127.0.0.1:1/x")


async def test_fetch_one_needs_a_row(database: Database) -> None:
    """`fetch_row` and `fetch_value` return None instead."""
    empty_query = "SELECT 1 WHERE false"
    assert await database.fetch_row(empty_query) is None
    assert await database.fetch_value(empty_query) is None
    with pytest.raises(LookupError):
        await database.fetch_one(empty_query)
