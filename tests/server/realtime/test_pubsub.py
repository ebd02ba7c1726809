"""The behaviour that all pub/sub transports share."""

from uuid import uuid4

import pytest
from redis.asyncio import Redis
from tests.support.components.backplanes import (
    CHANNEL,
    RecordingListener,
    all_connected,
    redis_backplane,
)
from tests.support.servers.redis_server import redis_server
from tests.support.wait import until

from rustygpt_server.realtime.backplane_messages import BackplaneMessage, CancelAnswer


class FailingListener(RecordingListener):
    """A listener that fails at the first message."""

    def on_message(self, message: BackplaneMessage) -> None:
        """Record a message; raise at the first one."""
        super().on_message(message)
        if len(self.messages) == 1:
            raise LookupError("a mistake in the program")


async def test_a_message_that_cannot_be_handled_does_not_end_listening() -> None:
    """The messages after it are received."""
    async with (
        redis_server() as redis,
        redis_backplane(redis.url, "a") as first,
        redis_backplane(redis.url, "b") as second,
    ):
        listener = FailingListener()
        await first.start(RecordingListener())
        await second.start(listener)
        await all_connected(first, second)
        messages = [CancelAnswer(uuid4()) for _ in range(3)]
        for message in messages:
            first.publish(message)
        await until(lambda: listener.messages == messages, seconds=60)

        assert (second.connected, listener.connections) == (True, 1)


@pytest.mark.parametrize("data", ["\udcff", "nonsense", "[]"])
async def test_invalid_packets_are_ignored(data: str) -> None:
    """Another program may publish to the same channel."""
    async with redis_server() as redis, redis_backplane(redis.url, "a") as first:
        listener = RecordingListener()
        await first.start(listener)
        await all_connected(first)
        client = Redis.from_url(redis.url)
        await client.publish(CHANNEL, data.encode(errors="surrogateescape"))
        await client.aclose()
        async with redis_backplane(redis.url, "b") as second:
            message = CancelAnswer(uuid4())
            second.publish(message)
            await until(lambda: listener.messages == [message], seconds=60)

        assert listener.connections == 1
