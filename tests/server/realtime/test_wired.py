"""What all wires between processes have in common."""

from uuid import uuid4

import pytest
from redis.asyncio import Redis
from tests.support.ears import CHANNEL, Notes, redis_line, up
from tests.support.redis_server import redis_server
from tests.support.waiting import until

from rustygpt_server.realtime.words import Cancel, Word


class Startled(Notes):
    """An ear whose owner fails at the first word."""

    def word(self, word: Word) -> None:
        """Note a word; the first one is too much."""
        super().word(word)
        if len(self.words) == 1:
            raise LookupError("nothing of the kind")


async def test_a_word_that_fails_leaves_the_line_up() -> None:
    """What comes after it is heard: a listener that died would be missed by nobody."""
    async with (
        redis_server() as redis,
        redis_line(redis.url, "a") as one,
        redis_line(redis.url, "b") as two,
    ):
        ear = Startled()
        await one.start(Notes())
        await two.start(ear)
        await up(one, two)
        words = [Cancel(uuid4()) for _ in range(3)]
        for word in words:
            one.say(word)
        await until(lambda: ear.words == words, seconds=5)

        assert (two.hears, ear.returns) == (True, 1)


@pytest.mark.parametrize("data", ["\udcff", "nonsense", "[]"])
async def test_what_is_no_packet_is_passed_over(data: str) -> None:
    """Somebody else speaks on the same channel."""
    async with redis_server() as redis, redis_line(redis.url, "a") as one:
        ear = Notes()
        await one.start(ear)
        await up(one)
        raw = Redis.from_url(redis.url)
        await raw.publish(CHANNEL, data.encode(errors="surrogateescape"))
        await raw.aclose()
        async with redis_line(redis.url, "b") as two:
            word = Cancel(uuid4())
            two.say(word)
            await until(lambda: ear.words == [word], seconds=5)

        assert ear.returns == 1
