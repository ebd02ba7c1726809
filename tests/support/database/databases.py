"""Real databases for tests: an embedded PostgreSQL, or one that a variable names.

`RUSTYGPT_TEST_DATABASE_URL` is a superuser's URL of a database on PostgreSQL 15 or later. Tests
create new databases beside it, and drop them together with their roles.
"""

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from rustygpt_server.assets import sql_folder
from rustygpt_server.db import accounts, embedded, sessions
from rustygpt_server.db.bootstrap import PoolLogin, bootstrap, missing_scripts
from rustygpt_server.db.database import Database
from rustygpt_shared.ids import new_id

VARIABLE = "RUSTYGPT_TEST_DATABASE_URL"
NOW = datetime(2026, 5, 4, 12, 0, 0, 123456, tzinfo=UTC)
FIRST_GENERATION = """
CREATE SCHEMA rustygpt;
CREATE TABLE rustygpt.ledger (
  script text PRIMARY KEY,
  sha256 text NOT NULL,
  procedure text,
  release text NOT NULL,
  gone_since text,
  applied_at timestamptz NOT NULL
);
INSERT INTO rustygpt.ledger (script, sha256, release, applied_at)
VALUES ('schema/001_walls.sql', repeat('0', 64), '0.1.0', now());
"""
"""The state that a development version left behind after its first schema file."""
KEPT_TABLES = ("applied_scripts", "search_state", "secrets")
_ROOMY_POSTING = """
UPDATE rustygpt.limit_profiles SET requests_per_second = 10000, burst = 100000
WHERE name = 'conversation.post'
"""

_EMPTY = """
DO $$
DECLARE
  _table regclass;
  _has_rows boolean;
BEGIN
  PERFORM set_config('session_replication_role', 'replica', true);  -- no foreign keys, no triggers
  FOR _table IN
    SELECT format('rustygpt.%I', tablename)::regclass FROM pg_tables
    WHERE schemaname = 'rustygpt' AND tablename NOT IN ({kept})
  LOOP
    IF pg_relation_size(_table) > 1000000 THEN
      EXECUTE format('TRUNCATE %s CASCADE', _table);
    ELSE
      EXECUTE format('SELECT EXISTS (SELECT FROM %s)', _table) INTO _has_rows;
      IF _has_rows THEN
        EXECUTE format('DELETE FROM %s', _table);
      END IF;
    END IF;
  END LOOP;
END
$$
"""
"""TRUNCATE writes new files for each table and index, 100 ms in all; this takes a few."""


@contextmanager
def cluster() -> Iterator[str]:
    """Yield the URL of a superuser's database on a cluster for tests."""
    configured_url = os.environ.get(VARIABLE)
    if configured_url:
        yield configured_url
        return
    folder = short_folder()
    postgres = asyncio.run(embedded.start(folder))
    try:
        asyncio.run(_disable_durability(postgres.url))
        yield postgres.url
    finally:
        asyncio.run(postgres.stop())
        shutil.rmtree(folder)


def short_folder() -> Path:
    """Return a path that does not exist yet and that PostgreSQL's user can reach."""
    return Path(tempfile.gettempdir()) / f"rgt-{os.getpid()}-{secrets.token_hex(3)}"


async def _disable_durability(url: str) -> None:
    """Turn off what makes commits durable: tests do not need it."""
    async with connected(url) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            await connection.execute(f"ALTER SYSTEM SET {setting} = off")
        await connection.execute("SELECT pg_reload_conf()")


@asynccontextmanager
async def connected(url: str, **login: Any) -> AsyncIterator[Any]:
    """Open a plain connection."""
    connection = await asyncpg.connect(url, **login)
    try:
        yield connection
    finally:
        await connection.close(timeout=5)


def sibling_url(url: str, name: str) -> str:
    """Return the URL of another database of the same cluster."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def create(cluster_url: str) -> str:
    """Create an empty database; return its URL."""
    name = f"rgt_{os.getpid()}_{secrets.token_hex(4)}"
    async with connected(cluster_url) as connection:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    return sibling_url(cluster_url, name)


async def drop(cluster_url: str, url: str) -> None:
    """Drop a database and the roles that its bootstrap created."""
    name = urlsplit(url).path[1:]
    async with connected(cluster_url) as connection:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        for kind in ("owner", "reader", "app"):
            await connection.execute(f"DROP ROLE IF EXISTS rustygpt_{name}_{kind}")


async def prepare(url: str) -> PoolLogin:
    """Bootstrap a database; return the login of its pools.

    The limit of posts is one that no test reaches, although its clock may stand still.
    """
    login = await bootstrap(url, None, sql_folder(), NOW)
    async with connected(url) as connection:
        await connection.execute(_ROOMY_POSTING)
    return login


async def prepare_without_superuser(url: str) -> PoolLogin:
    """Bootstrap a database as an operator to whom row-level security applies."""
    return await bootstrap(url, None, sql_folder(), NOW)


async def empty(connection: Any) -> None:
    """Empty all tables of the application; rate limits are as `prepare` leaves them."""
    await connection.execute(_EMPTY.format(kept=", ".join(f"'{name}'" for name in KEPT_TABLES)))
    await connection.execute((sql_folder() / "seed" / "002_rate_limits.sql").read_text("utf-8"))
    await connection.execute(_ROOMY_POSTING)


@asynccontextmanager
async def pool(url: str, login: PoolLogin, size: int = 4) -> AsyncIterator[Database]:
    """Open a pool with the application's role."""
    database = await Database.connect(url, user=login.user, password=login.password, size=size)
    try:
        yield database
    finally:
        await database.close()


async def check_usable(url: str, login: PoolLogin) -> None:
    """Check that the application's role can work on an empty database."""
    async with pool(url, login) as database:
        assert await missing_scripts(database, sql_folder()) == []
        await sessions.token_secret(database)
        account = accounts.NewAccount(new_id(0), "first", "first@example.org", "hash")
        await accounts.set_up(database, account, NOW)
