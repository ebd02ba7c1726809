"""Fixtures for all tests: a database for each test worker, and servers on it."""

import asyncio
import functools
import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

import hypothesis
import pytest
from tests.support.database import databases
from tests.support.database.database_builder import DatabaseBuilder
from tests.support.servers.in_process_server import InProcessServer, StartServer, in_process_server

from rustygpt_server.db.bootstrap import PoolLogin
from rustygpt_server.db.database import Database

# The hundreds of processes that tests start compile the program once, not each for itself.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Machines differ in speed, so an example has no deadline. CI tries the same examples each time;
# developers' machines try new ones.
hypothesis.settings.register_profile("rustygpt", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("rustygpt")


@pytest.fixture(scope="session")
def cluster_url() -> Iterator[str]:
    """Yield a superuser's URL of a database on a cluster for tests."""
    with databases.cluster() as url:
        yield url


@pytest.fixture(scope="session")
def database_url(cluster_url: str) -> Iterator[str]:
    """Yield the owner's URL of this worker's database, whose tables `database` empties."""
    url = asyncio.run(databases.create(cluster_url))
    yield url
    asyncio.run(databases.drop(cluster_url, url))


@pytest.fixture(scope="session")
def pool_login(database_url: str) -> PoolLogin:
    """Bootstrap this worker's database; return the login of its pools."""
    return asyncio.run(databases.prepare(database_url))


@pytest.fixture
async def superuser(database_url: str, pool_login: PoolLogin) -> AsyncIterator[Any]:
    """Yield a superuser's connection to this worker's database."""
    async with databases.connected(database_url) as connection:
        yield connection


@pytest.fixture
async def database(
    database_url: str, pool_login: PoolLogin, superuser: Any
) -> AsyncIterator[Database]:
    """Yield a pool with the application's role, on empty tables."""
    await databases.empty(superuser)
    async with databases.pool(database_url, pool_login) as database:
        yield database


@pytest.fixture
async def empty_database_url(cluster_url: str) -> AsyncIterator[str]:
    """Yield the owner's URL of a new database without any script applied."""
    url = await databases.create(cluster_url)
    yield url
    await databases.drop(cluster_url, url)


@pytest.fixture
async def builder(database: Database) -> DatabaseBuilder:
    """Return a builder on empty tables with an administrator."""
    return await DatabaseBuilder.create(database)


@pytest.fixture
async def server(
    database_url: str, pool_login: PoolLogin, superuser: Any
) -> AsyncIterator[InProcessServer]:
    """Yield a server in this process, on empty tables, with a clock that the test moves."""
    await databases.empty(superuser)
    async with in_process_server(database_url, pool_login) as running:
        yield running


@pytest.fixture
async def start_server(database_url: str, pool_login: PoolLogin, superuser: Any) -> StartServer:
    """Empty the tables once; return a function that starts servers in this process."""
    await databases.empty(superuser)
    return functools.partial(in_process_server, database_url, pool_login)
