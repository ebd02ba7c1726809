"""The wire over Redis' publish and subscribe, for where PostgreSQL has enough to do.

Nothing is kept there. With Redis gone nothing is lost but speed: the log is looked at instead.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from rustygpt_server.clock import Clock, TimeLimits
from rustygpt_server.realtime.backplane import Unheard
from rustygpt_server.telemetry import log

_log = log(__name__)

_FIRST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 10.0
_LOST = (RedisError, OSError, TimeoutError)


class RedisWire:
    """A Redis channel."""

    def __init__(self, url: str, channel: str, limits: TimeLimits, clock: Clock) -> None:
        # Trying again is done here, where it is noticed that something was missed.
        self._redis: Redis = Redis.from_url(
            url,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=limits.listen_probe_timeout,
            socket_timeout=limits.listen_probe_timeout,
            decode_responses=True,
            encoding_errors="replace",  # whatever others publish there
        )
        self._channel = channel
        self._limits = limits
        self._clock = clock
        self._wait = _FIRST_WAIT
        self.up = asyncio.Event()

    async def run(self, on_data: Callable[[str], None], on_up: Callable[[], None]) -> None:
        """Listen until cancelled."""
        while True:
            try:
                await self._listen(on_data, on_up)
            except _LOST as error:
                _log.warning("not listening to other processes", reason=str(error))
            finally:
                self.up.clear()
            await self._clock.sleep(self._wait * random.uniform(0.5, 1))  # noqa: S311 - jitter
            self._wait = min(self._wait * 2, _LONGEST_WAIT)

    async def send(self, packets: list[str]) -> None:
        """Publish packets in order; raises Unheard."""
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for packet in packets:
                    pipe.publish(self._channel, packet)
                await pipe.execute()
        except _LOST as error:
            raise Unheard("Redis does not answer.") from error

    async def close(self) -> None:
        """Let go of all connections."""
        await self._redis.aclose()

    async def _listen(self, on_data: Callable[[str], None], on_up: Callable[[], None]) -> None:
        """Until the connection is lost; raises what it was lost by."""
        async with self._redis.pubsub() as pubsub:
            await pubsub.subscribe(self._channel)
            while True:
                message = await pubsub.get_message(timeout=self._limits.listen_probe)
                if message is None:
                    await pubsub.ping()
                    message = await pubsub.get_message(timeout=self._limits.listen_probe_timeout)
                self._hear(message, on_data, on_up)

    def _hear(
        self, message: Any, on_data: Callable[[str], None], on_up: Callable[[], None]
    ) -> None:
        if message is None:
            raise TimeoutError("no answer")
        if message["type"] == "subscribe":
            self._wait = _FIRST_WAIT
            self.up.set()
            on_up()
        elif message["type"] == "message":
            on_data(message["data"])
