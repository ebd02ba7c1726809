"""What the system itself is asked."""

from rustygpt_server.assets import sql_folder
from rustygpt_server.db import sessions, system
from rustygpt_server.db.bootstrap import missing_scripts
from rustygpt_server.db.database import Database


async def test_ping_answers(database: Database) -> None:
    """A bootstrapped database answers to the application's role."""
    await system.ping(database)


async def test_nothing_is_missing_after_bootstrap(database: Database) -> None:
    """The readiness check finds every script applied."""
    assert await missing_scripts(database, sql_folder()) == []


async def test_secret_is_kept(database: Database) -> None:
    """The secret has 32 bytes and stays the same."""
    first = await sessions.token_secret(database)
    assert len(first) == 32
    assert await sessions.token_secret(database) == first
