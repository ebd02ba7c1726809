"""The wire over Redis comes back, and its loss costs speed only."""

import asyncio
from uuid import uuid4

from tests.support.api import Serve
from tests.support.clocks import TestClock
from tests.support.ears import Notes, redis_line, up
from tests.support.redis_server import redis_server
from tests.support.waiting import until

from rustygpt_server.clock import TimeLimits
from rustygpt_server.realtime.words import Cancel
from rustygpt_shared.settings import BackplaneSettings, Db, Llm, Settings, Sse


async def test_a_lost_redis_is_listened_to_again() -> None:
    """The ear is told that something may have been missed meanwhile."""
    async with (
        redis_server() as redis,
        redis_line(redis.url, "a") as one,
        redis_line(redis.url, "b") as two,
    ):
        ear = Notes()
        await one.start(Notes())
        await two.start(ear)
        await up(one, two)
        await redis.stop()
        await until(lambda: not one.hears and not two.hears)
        await redis.start()
        await until(lambda: one.hears and two.hears and ear.returns == 2, seconds=10)
        word = Cancel(uuid4())
        one.say(word)
        await until(lambda: ear.words == [word], seconds=10)


async def test_a_redis_that_says_nothing_is_noticed() -> None:
    """It is asked whether it lives; one that does not answer is given up, and tried again."""
    limits = TimeLimits(listen_probe=0.05, listen_probe_timeout=0.3)
    async with redis_server() as redis, redis_line(redis.url, "a", limits) as line:
        ear = Notes()
        await line.start(ear)
        await up(line)
        redis.freeze(on=True)
        await until(lambda: not line.hears)
        redis.freeze(on=False)
        await until(lambda: ear.returns >= 2, seconds=10)


async def test_streams_go_on_without_redis(serve: Serve) -> None:
    """Two servers whose Redis dies: what one writes still reaches the other's readers."""
    async with redis_server() as redis:
        clock = TestClock()
        settings = Settings(
            llm=Llm(default_model="demo"),
            db=Db(max_connections=4),
            sse=Sse(backplane=BackplaneSettings(url=redis.url)),
        )
        async with (
            serve(settings=settings, clock=clock) as one,
            serve(settings=settings, clock=clock) as two,
        ):
            ann, there = await one.person("ann"), await two.sign_in("ann")
            room = await ann.conversation()
            async with there.follow(room) as stream:
                await stream.next("stream.open")
                first = await ann.root(room)
                assert (await stream.next("message.new", seconds=2))["payload"]["message"][
                    "id"
                ] == first
                await redis.stop()
                await until(lambda: not two.parts.hub.backplane.hears)
                second = await ann.reply(first)
                waiting = asyncio.create_task(stream.next("message.new"))
                while not waiting.done():
                    await asyncio.sleep(0.01)
                    clock.move(1)

    assert waiting.result()["payload"]["message"]["id"] == second
