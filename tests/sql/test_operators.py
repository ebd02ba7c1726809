"""The privileges that a login needs to apply the scripts, if it is not a superuser."""

import secrets
from collections.abc import AsyncIterator

import pytest
from tests.support.database import databases
from tests.support.database.databases import NOW, check_usable, connected
from tests.support.database.operators import Operators, created_operators

from rustygpt_server.assets import sql_folder
from rustygpt_server.db import system
from rustygpt_server.db.bootstrap import BootstrapError, PoolLogin, bootstrap


@pytest.fixture
async def operators(cluster_url: str) -> AsyncIterator[Operators]:
    """A new database, and a way to create logins for it."""
    async with created_operators(cluster_url) as made:
        yield made


async def test_an_operator_with_createrole_can_bootstrap(operators: Operators) -> None:
    """An operator who is not a superuser but has CREATEROLE bootstraps the database, twice."""
    name, url = await operators.make("CREATEROLE")
    await operators.allow(f"GRANT CREATE ON DATABASE {operators.database} TO {name}")
    await databases.prepare(url)
    await check_usable(url, await databases.prepare(url))


async def test_an_operator_without_privileges_gets_the_missing_statements(
    operators: Operators,
) -> None:
    """The error contains the statements for an administrator, and these are sufficient."""
    name, owner_url = await operators.make()
    server, url = await operators.make()
    with pytest.raises(BootstrapError, match="CREATE ROLE") as refused:
        await bootstrap(url, owner_url, sql_folder(), NOW)
    message = str(refused.value)
    assert f"rustygpt_{operators.database}_owner" in message
    for statement in message.partition("run: ")[2].split(";")[:-1]:
        await operators.allow(statement)
    login = await bootstrap(url, owner_url, sql_folder(), NOW)
    assert login == PoolLogin()
    await check_usable(url, login)
    assert server != name


async def test_one_login_for_pool_and_bootstrap_needs_the_admin_option(
    operators: Operators,
) -> None:
    """With one URL and existing roles, the error names the missing privilege on the role."""
    name, url = await operators.make()
    base = f"rustygpt_{operators.database}"
    for kind in ("owner", "reader", "app"):
        await operators.allow(f"CREATE ROLE {base}_{kind} NOLOGIN NOINHERIT")
    await operators.allow(f"GRANT {base}_owner, {base}_reader TO {name}")
    await operators.allow(f"GRANT CREATE ON DATABASE {operators.database} TO {name}")
    with pytest.raises(BootstrapError, match="may not change the role"):
        await bootstrap(url, None, sql_folder(), NOW)


async def test_role_names_of_a_long_database_name_fit_in_63_bytes(cluster_url: str) -> None:
    """They are shortened to the limit of PostgreSQL and remain distinct."""
    name = "rgt_" + secrets.token_hex(4) + "x" * 51
    url = databases.sibling_url(cluster_url, name)
    async with connected(cluster_url) as connection:
        await connection.execute(f"CREATE DATABASE {name}")
        try:
            login = await databases.prepare(url)
            assert login.user is not None
            assert len(login.user) <= 63
            async with databases.pool(url, login) as database:
                await system.ping(database)
        finally:
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
            base = (login.user or "").removesuffix("_app")
            for kind in ("owner", "reader", "app"):
                await connection.execute(f"DROP ROLE IF EXISTS {base}_{kind}")
