"""The procedures in sql/procedures/system, and the secret of session tokens."""

from rustygpt_server.assets import sql_folder
from rustygpt_server.db import sessions, system
from rustygpt_server.db.bootstrap import missing_scripts
from rustygpt_server.db.database import Database


async def test_ping(database: Database) -> None:
    """The application's role can call ping."""
    await system.ping(database)


async def test_nothing_is_missing_after_bootstrap(database: Database) -> None:
    """The readiness check finds every script applied."""
    assert await missing_scripts(database, sql_folder()) == []


async def test_the_token_secret_is_constant(database: Database) -> None:
    """It has 32 bytes and does not change."""
    first = await sessions.token_secret(database)
    assert len(first) == 32
    assert await sessions.token_secret(database) == first
