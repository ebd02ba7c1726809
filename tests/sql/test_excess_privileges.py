"""What the pool's role can do beyond the procedures: to other sessions, to the disk, to itself."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from tests.support.database import databases
from tests.support.database.databases import NOW, check_usable, connected
from tests.support.database.operators import Operators, created_operators
from tests.support.database.private_postgres import private_postgres

from rustygpt_server.assets import sql_folder
from rustygpt_server.db import system
from rustygpt_server.db.bootstrap import PoolLogin, bootstrap
from rustygpt_server.db.database import Database
from rustygpt_server.errors import LoginRefused

FORBIDDEN = (
    "CREATE TEMPORARY TABLE t (x integer)",
    "CREATE TEMPORARY VIEW v AS SELECT 1",
    "CREATE FUNCTION pg_temp.f() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE TABLE public.t (x integer)",
    "CREATE FUNCTION public.f() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "DO 'BEGIN END'",
    "DO LANGUAGE plpgsql 'BEGIN LOOP END LOOP; END'",
    "SELECT lo_create(0)",
    "SELECT lo_creat(-1)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT lo_put(1, 0, 'x')",
    "SELECT lo_get(1)",
    "SELECT lo_open(1, 131072)",
    "SELECT loread(0, 1)",
    "SELECT lowrite(0, 'x')",
    "SELECT lo_unlink(1)",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '/tmp/x')",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_try_advisory_lock(1)",
    "SELECT pg_advisory_xact_lock(1, 1)",
    "SELECT pg_try_advisory_xact_lock_shared(1)",
    "SELECT pg_terminate_backend(pg_backend_pid())",
    "SELECT pg_cancel_backend(pg_backend_pid())",
    "SELECT pg_logical_emit_message(false, 'x', 'x')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_reload_conf()",
    "COPY (SELECT 1) TO '/tmp/x'",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "ALTER SYSTEM SET work_mem = '1GB'",
    "SET log_min_messages = panic",
    "CREATE DATABASE x",
)


@pytest.fixture
async def app(database_url: str, pool_login: PoolLogin) -> AsyncIterator[Any]:
    """A connection as the pool's role."""
    login = {"user": pool_login.user, "password": pool_login.password}
    async with connected(database_url, **login) as connection:
        yield connection


@pytest.fixture
async def operators(cluster_url: str) -> AsyncIterator[Operators]:
    """A new database, and a way to create logins for it."""
    async with created_operators(cluster_url) as made:
        yield made


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_the_pools_role_may_not(app: Any, statement: str) -> None:
    """Neither objects, nor code, nor locks, nor signals, nor files."""
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute(statement)


async def test_nothing_is_left_to_take_where_a_superuser_starts_the_server(
    superuser: Any, pool_login: PoolLogin
) -> None:
    """The list of excess privileges is empty, for any role."""
    for role in (pool_login.user, "pg_monitor"):
        rows = await superuser.fetch("SELECT * FROM rustygpt.excess_privileges($1)", role)
        assert rows == []


async def test_the_owner_of_the_database_takes_what_is_not_a_superusers(
    operators: Operators, capsys: pytest.CaptureFixture[str]
) -> None:
    """With CREATEROLE only: no temporary tables, and a warning that names what is left."""
    name, url = await operators.make("CREATEROLE")
    await operators.allow(f"ALTER DATABASE {operators.database} OWNER TO {name}")
    login = await databases.prepare(url)
    text = capsys.readouterr().out
    for kind in ("large objects", "advisory locks", "signals to other sessions", "code of its own"):
        assert kind in text
    assert "temporary tables" not in text
    async with connected(url, user=login.user, password=login.password) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("CREATE TEMPORARY TABLE t (x integer)")
    await check_usable(url, login)


async def test_a_superusers_restriction_also_holds_for_the_next_operator(
    operators: Operators, capsys: pytest.CaptureFixture[str]
) -> None:
    """After a start as a superuser, one with CREATEROLE only finds nothing left to take."""
    await databases.prepare(operators.url)
    name, url = await operators.make("CREATEROLE")
    for kind in ("owner", "reader", "app"):
        role = f"rustygpt_{operators.database}_{kind}"
        await operators.allow(f"GRANT {role} TO {name} WITH ADMIN OPTION")
    login = await databases.prepare(url)
    assert "may do more than it needs" not in capsys.readouterr().out
    await check_usable(url, login)


async def test_a_pool_of_another_login_is_restricted_too(operators: Operators) -> None:
    """A login that db.url names loses the same privileges."""
    _, url = await operators.make()
    login = await bootstrap(url, operators.url, sql_folder(), NOW)
    assert login == PoolLogin()
    async with connected(url) as connection:
        for statement in ("CREATE TEMPORARY TABLE t (x integer)", "DO 'BEGIN END'"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    await check_usable(url, login)


async def test_settings_of_the_role_last_until_the_next_start(operators: Operators) -> None:
    """PostgreSQL lets a role change its own settings; a start resets them."""
    login = await databases.prepare(operators.url)
    user = {"user": login.user, "password": login.password}
    async with connected(operators.url, **user) as connection:
        await connection.execute("ALTER ROLE CURRENT_USER SET statement_timeout = 54321")
        await connection.execute(
            f"ALTER ROLE CURRENT_USER IN DATABASE {operators.database} SET work_mem = '64kB'"
        )
    changed = await _shown(operators.url, user)
    await databases.prepare(operators.url)
    assert changed == ["54321ms", "64kB"]
    assert await _shown(operators.url, user) == ["0", "4MB"]


async def _shown(url: str, user: dict[str, Any]) -> list[str]:
    async with connected(url, **user) as connection:
        names = ("statement_timeout", "work_mem")
        return [await connection.fetchval(f"SHOW {name}") for name in names]


async def test_a_changed_password_of_the_role_is_logged_and_set_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Requests that need a new connection get the sentence; the log has it once a minute."""
    async with private_postgres() as postgres:
        login = await databases.prepare(postgres.url)
        user = {"user": login.user, "password": login.password}
        async with databases.pool(postgres.url, login, size=2) as pool:
            async with connected(postgres.url, **user) as connection:
                await connection.execute("ALTER ROLE CURRENT_USER PASSWORD 'other'")
            assert await _count_refused(pool) == 2
        assert capsys.readouterr().out.count("The database refuses the server's login") == 1
        with pytest.raises(LoginRefused):
            async with databases.pool(postgres.url, login):
                pass
        assert await databases.prepare(postgres.url) == login
        async with databases.pool(postgres.url, login) as pool:
            await system.ping(pool)


async def _count_refused(pool: Database) -> int:
    """Use both connections of a pool, of which one is open, three times; count the refused uses."""
    calls = [system.ping(pool), pool.fetch_value("SELECT pg_sleep(0.2)")]
    first = await asyncio.gather(*calls, return_exceptions=True)
    calls = [system.ping(pool), pool.fetch_value("SELECT pg_sleep(0.2)")]
    second = await asyncio.gather(*calls, return_exceptions=True)
    refused = [error for error in first + second if isinstance(error, LoginRefused)]
    assert all("restart the server" in str(error) for error in refused)
    return len(refused)
