"""What all wires between processes have in common."""

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


class Startled(RecordingListener):
    """An ear whose owner fails at the first word."""

    def on_message(self, message: BackplaneMessage) -> None:
        """Note a word; the first one is too much."""
        super().on_message(message)
        if len(self.messages) == 1:
            raise LookupError("nothing of the kind")


async def test_a_word_that_fails_leaves_the_line_up() -> None:
    """What comes after it is heard: a listener that died would be missed by nobody."""
    async with (
        redis_server() as redis,
        redis_backplane(redis.url, "a") as one,
        redis_backplane(redis.url, "b") as two,
    ):
        ear = Startled()
        await one.start(RecordingListener())
        await two.start(ear)
        await all_connected(one, two)
        words = [CancelAnswer(uuid4()) for _ in range(3)]
        for word in words:
            one.publish(word)
        await until(lambda: ear.messages == words, seconds=5)

        assert (two.connected, ear.connections) == (True, 1)


@pytest.mark.parametrize("data", ["\udcff", "nonsense", "[]"])
async def test_what_is_no_packet_is_passed_over(data: str) -> None:
    """Somebody else speaks on the same channel."""
    async with redis_server() as redis, redis_backplane(redis.url, "a") as one:
        ear = RecordingListener()
        await one.start(ear)
        await all_connected(one)
        raw = Redis.from_url(redis.url)
        await raw.publish(CHANNEL, data.encode(errors="surrogateescape"))
        await raw.aclose()
        async with redis_backplane(redis.url, "b") as two:
            word = CancelAnswer(uuid4())
            two.publish(word)
            await until(lambda: ear.messages == [word], seconds=5)

        assert ear.connections == 1
