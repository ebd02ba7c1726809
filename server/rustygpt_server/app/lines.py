"""The line to other processes that a server's settings ask for."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rustygpt_server.app.config import Config
from rustygpt_server.db.database import Database
from rustygpt_server.db.listen import Line
from rustygpt_server.errors import StartFailed
from rustygpt_server.realtime.backplane import Backplane
from rustygpt_server.realtime.postgres import PostgresWire
from rustygpt_server.realtime.wired import Wire, WiredBackplane


@asynccontextmanager
async def backplane_of(config: Config, instance: str, secret: bytes) -> AsyncIterator[Backplane]:
    """A backplane that is not started yet; it is stopped when the block ends."""
    channel = channel_of(secret)
    url = config.settings.sse.backplane.url
    wires = _redis(config, url, channel) if url else _postgres(config, channel)
    async with wires as wire:
        backplane = WiredBackplane(wire, instance, config.clock, config.metrics)
        try:
            yield backplane
        finally:
            await backplane.stop()


def channel_of(secret: bytes) -> str:
    """The channel of one database's processes: others can neither find it nor tell them things."""
    return "rustygpt_" + hmac.new(secret, b"backplane", hashlib.sha256).hexdigest()[:32]


@asynccontextmanager
async def _postgres(config: Config, channel: str) -> AsyncIterator[Wire]:
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
    try:
        yield PostgresWire(line, notifier, channel)
    finally:
        await notifier.close()


@asynccontextmanager
async def _redis(config: Config, url: str, channel: str) -> AsyncIterator[Wire]:
    try:
        from rustygpt_server.realtime.redis import RedisWire
    except ImportError:
        raise StartFailed(
            "sse.backplane.url names Redis, whose client is missing: "
            "install it with pip install 'rustygpt[server,redis]'."
        ) from None
    wire = RedisWire(url, channel, config.limits, config.clock)
    try:
        yield wire
    finally:
        await wire.close()
