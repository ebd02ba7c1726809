"""The pool: bounded, fair, and plain about a database that is away."""

import asyncio
import time

import pytest
from tests.support.database import databases

from rustygpt_server.db.bootstrap import PoolLogin
from rustygpt_server.db.database import Database
from rustygpt_server.errors import Unavailable


async def test_no_round_trip_on_release(database_url: str, pool_login: PoolLogin) -> None:
    """Statements on a pool of one run on the same connection, which is not reset in between."""
    async with databases.pool(database_url, pool_login, size=1) as one:
        first = await one.fetch_value("SELECT pg_backend_pid()")
        await one.fetch_value("SELECT set_config('rustygpt.left', 'here', false)")
        assert await one.fetch_value("SELECT current_setting('rustygpt.left', true)") == "here"
        assert await one.fetch_value("SELECT pg_backend_pid()") == first


async def test_turns_are_first_come_first_served(database_url: str, pool_login: PoolLogin) -> None:
    """Callers that wait for a connection get it in the order they came."""
    order: list[int] = []
    async with databases.pool(database_url, pool_login, size=1) as one:

        async def ask(number: int) -> None:
            await one.fetch_value("SELECT pg_sleep(0.002)")
            order.append(number)

        await asyncio.gather(*(ask(n) for n in range(20)))
        assert one.in_use == 0
    assert order == list(range(20))


async def test_in_use_counts(database_url: str, pool_login: PoolLogin) -> None:
    """The pool tells how many connections are in use, and its size."""
    async with databases.pool(database_url, pool_login, size=2) as two:
        waiting = [asyncio.create_task(two.fetch_value("SELECT pg_sleep(0.2)")) for _ in range(3)]
        end = time.monotonic() + 5
        while two.in_use < 2 and time.monotonic() < end:
            await asyncio.sleep(0.005)
        assert (two.in_use, two.size) == (2, 2)
        await asyncio.gather(*waiting)
        assert two.in_use == 0


async def test_waiting_has_an_end(database_url: str, pool_login: PoolLogin) -> None:
    """A caller that gets no connection in time is told that the database is busy."""
    async with databases.pool(database_url, pool_login, size=1) as one:
        one._acquire_seconds = 0.05
        long = asyncio.create_task(one.fetch_value("SELECT pg_sleep(0.5)"))
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="busy"):
            await one.fetch_value("SELECT 1")
        await long


async def test_a_cancelled_caller_gives_its_place_back(
    database_url: str, pool_login: PoolLogin
) -> None:
    """A statement that was cancelled leaves the pool whole."""
    async with databases.pool(database_url, pool_login, size=1) as one:
        for _ in range(3):
            task = asyncio.create_task(one.fetch_value("SELECT pg_sleep(30)"))
            while not one.in_use:
                await asyncio.sleep(0.005)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert await one.fetch_value("SELECT 1") == 1
        assert one.in_use == 0


async def test_statements_have_a_limit(database_url: str, pool_login: PoolLogin) -> None:
    """A statement that takes too long is stopped, and that is told as being unavailable."""
    database = await Database.connect(
        database_url, user=pool_login.user, password=pool_login.password, statement_timeout_ms=50
    )
    with pytest.raises(Unavailable):
        await database.fetch_value("SELECT pg_sleep(5)")
    await database.close()


async def test_lost_connections_are_replaced(database_url: str, pool_login: PoolLogin) -> None:
    """After its connections were cut the pool tells it once and then works again."""
    async with databases.pool(database_url, pool_login, size=1) as one:
        victim = await one.fetch_value("SELECT pg_backend_pid()")
        async with databases.connected(database_url) as owner:
            await owner.fetchval("SELECT pg_terminate_backend($1, 5000)", victim)
        for _ in range(2):
            try:
                found = await one.fetch_value("SELECT pg_backend_pid()")
                break
            except Unavailable:
                continue
        assert found != victim


async def test_nobody_there_is_unavailable() -> None:
    """Connecting to nothing is told as being unavailable."""
    with pytest.raises(Unavailable):
        await Database.connect("postgresql://x@127.0.0.1:1/x")


async def test_a_row_that_has_to_be_there(database: Database) -> None:
    """`fetch_one` insists on a row; `fetch_row` and `fetch_value` answer None."""
    nothing = "SELECT 1 WHERE false"
    assert await database.fetch_row(nothing) is None
    assert await database.fetch_value(nothing) is None
    with pytest.raises(LookupError):
        await database.fetch_one(nothing)
