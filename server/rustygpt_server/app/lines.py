"""The line to other processes that a server's settings ask for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rustygpt_server.app.config import Config
from rustygpt_server.db.database import Database
from rustygpt_server.db.listen import Line
from rustygpt_server.realtime.backplane import Backplane
from rustygpt_server.realtime.postgres import PostgresBackplane


@asynccontextmanager
async def backplane_of(config: Config, instance: str) -> AsyncIterator[Backplane]:
    """A backplane that is not started yet; it is stopped when the block ends."""
    login = config.pool_login
    notifier = await Database.connect(
        config.pool_url,
        user=login.user,
        password=login.password,
        size=1,
        statement_timeout_ms=config.settings.db.statement_timeout_ms,
        durable=False,
    )
    line = Line(config.pool_url, login, config.limits, config.clock)
    backplane = PostgresBackplane(line, notifier, instance, config.clock, config.metrics)
    try:
        yield backplane
    finally:
        await backplane.stop()
        await notifier.close()
