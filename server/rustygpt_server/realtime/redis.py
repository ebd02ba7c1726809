"""The pub/sub transport over Redis, for deployments where NOTIFY costs PostgreSQL too much.

Redis stores nothing. While it is unreachable only latency is lost: processes compare their
positions with the event log instead.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from rustygpt_server.realtime.backplane import PublishFailed
from rustygpt_server.runtime import Runtime
from rustygpt_server.telemetry import log

_log = log(__name__)

_MIN_BACKOFF: Final = 0.1
"""Seconds."""
_MAX_BACKOFF: Final = 10.0
_CONNECTION_ERRORS = (RedisError, OSError, TimeoutError)


class RedisTransport:
    """A connection to one Redis channel."""

    def __init__(self, url: str, channel: str, runtime: Runtime) -> None:
        # The client must not reconnect on its own: `run` does, because then messages were missed.
        self._redis: Redis = Redis.from_url(
            url,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=runtime.limits.listen_probe_timeout,
            socket_timeout=runtime.limits.listen_probe_timeout,
            decode_responses=True,
            encoding_errors="replace",  # any client of Redis may publish to the channel
        )
        self._channel = channel
        self._limits = runtime.limits
        self._clock = runtime.clock
        self._backoff = _MIN_BACKOFF
        self.connected = asyncio.Event()
        """Set while the subscription is confirmed."""

    async def run(self, on_data: Callable[[str], None], on_connected: Callable[[], None]) -> None:
        """Listen until cancelled, and reconnect with exponential backoff and jitter."""
        while True:
            try:
                await self._listen(on_data, on_connected)
            except _CONNECTION_ERRORS as error:
                _log.warning("not connected to other processes", reason=str(error))
            finally:
                self.connected.clear()
            await self._clock.sleep(self._backoff * random.uniform(0.5, 1))  # noqa: S311 - jitter
            self._backoff = min(self._backoff * 2, _MAX_BACKOFF)

    async def send(self, packets: list[str]) -> None:
        """Publish packets in order; raises PublishFailed."""
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for packet in packets:
                    pipe.publish(self._channel, packet)
                await pipe.execute()
        except _CONNECTION_ERRORS as error:
            raise PublishFailed("Redis does not answer.") from error

    async def close(self) -> None:
        """Close all connections."""
        await self._redis.aclose()

    async def _listen(
        self, on_data: Callable[[str], None], on_connected: Callable[[], None]
    ) -> None:
        """Handle messages until the connection is lost, and raise the error that ended it."""
        async with self._redis.pubsub() as pubsub:
            await pubsub.subscribe(self._channel)
            while True:
                message = await pubsub.get_message(timeout=self._limits.listen_probe)
                if message is None:
                    await pubsub.ping()
                    message = await pubsub.get_message(timeout=self._limits.listen_probe_timeout)
                self._handle(message, on_data, on_connected)

    def _handle(
        self, message: Any, on_data: Callable[[str], None], on_connected: Callable[[], None]
    ) -> None:
        if message is None:
            raise TimeoutError("no reply to a ping")
        if message["type"] == "subscribe":
            self._backoff = _MIN_BACKOFF
            self.connected.set()
            on_connected()
        elif message["type"] == "message":
            on_data(message["data"])
