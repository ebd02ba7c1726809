"""The backplane that a server's settings choose: over PostgreSQL's NOTIFY, or over Redis."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rustygpt_server.app.context import ServerContext
from rustygpt_server.db.database import Database
from rustygpt_server.db.listen import NotificationListener
from rustygpt_server.errors import StartupError
from rustygpt_server.realtime.backplane import Backplane
from rustygpt_server.realtime.postgres import PostgresTransport
from rustygpt_server.realtime.pubsub import PubSubBackplane, PubSubTransport


@asynccontextmanager
async def open_backplane(
    context: ServerContext, instance_id: str, secret: bytes
) -> AsyncIterator[Backplane]:
    """Yield a backplane that is not started yet; it is stopped when the block ends."""
    channel = channel_name(secret)
    url = context.settings.sse.backplane.url
    transports = _redis(context, url, channel) if url else _postgres(context, channel)
    async with transports as transport:
        backplane = PubSubBackplane(transport, instance_id, context.runtime)
        try:
            yield backplane
        finally:
            await backplane.stop()


def channel_name(secret: bytes) -> str:
    """Return the channel's name, derived from the database's secret.

    Clients of another database can neither guess it nor publish to it.
    """
    return "rustygpt_" + hmac.new(secret, b"backplane", hashlib.sha256).hexdigest()[:32]


@asynccontextmanager
async def _postgres(context: ServerContext, channel: str) -> AsyncIterator[PubSubTransport]:
    login = context.pool_login
    notifier = await Database.connect(
        context.pool_url,
        user=login.user,
        password=login.password,
        size=1,
        statement_timeout_ms=context.settings.db.statement_timeout_ms,
        durable=False,
    )
    listener = NotificationListener(context.pool_url, login, context.runtime)
    try:
        yield PostgresTransport(listener, notifier, channel)
    finally:
        await notifier.close()


@asynccontextmanager
async def _redis(context: ServerContext, url: str, channel: str) -> AsyncIterator[PubSubTransport]:
    try:
        from rustygpt_server.realtime.redis import RedisTransport
    except ImportError:
        raise StartupError(
            "sse.backplane.url names Redis, whose client is missing: "
            "install it with pip install 'rustygpt[server,redis]'."
        ) from None
    transport = RedisTransport(url, channel, context.runtime)
    try:
        yield transport
    finally:
        await transport.close()
