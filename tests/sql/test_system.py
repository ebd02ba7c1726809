"""The procedures in sql/procedures/system, and the secret of session tokens."""

import asyncio
from typing import Any

from rustygpt_server.assets import sql_folder
from rustygpt_server.db import sessions, system
from rustygpt_server.db.bootstrap import missing_scripts
from rustygpt_server.db.database import Database
from rustygpt_shared.models.conversations import UNREAD_MAX
from rustygpt_shared.requests import default_assistant_mode


async def test_ping(database: Database) -> None:
    """The application's role can call ping."""
    await system.ping(database)


async def test_the_check_of_the_disk_writes_to_it(database: Database, superuser: Any) -> None:
    """It writes temporary files of about a megabyte, and no table grows."""
    statistics = "SELECT temp_bytes FROM pg_stat_database WHERE datname = current_database()"
    size = "SELECT pg_database_size(current_database())"
    before, size_before = await superuser.fetchval(statistics), await superuser.fetchval(size)
    await system.check_disk_space(database)

    async with asyncio.timeout(60):  # statistics are reported with a delay
        while await superuser.fetchval(statistics) - before < 1_000_000:
            await system.ping(database)
    assert await superuser.fetchval(size) - size_before < 100_000


async def test_nothing_is_missing_after_bootstrap(database: Database) -> None:
    """The readiness check finds every script applied."""
    assert await missing_scripts(database, sql_folder()) == []


async def test_the_token_secret_is_constant(database: Database) -> None:
    """It has 32 bytes and does not change."""
    first = await sessions.token_secret(database)
    assert len(first) == 32
    assert await sessions.token_secret(database) == first


async def test_limits_of_the_clients_are_those_of_the_database(superuser: Any) -> None:
    """The unread cap and the default assistant mode are the same in SQL and in shared."""
    assert await superuser.fetchval("SELECT rustygpt.max_unread()") == UNREAD_MAX
    for is_group in (False, True):
        mode = await superuser.fetchval("SELECT rustygpt.default_assistant_mode($1)", is_group)
        assert mode == default_assistant_mode(is_group=is_group)
