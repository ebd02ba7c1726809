"""The wire over Redis comes back, and its loss costs speed only."""

import asyncio
from uuid import uuid4

from tests.support.components.backplanes import RecordingListener, all_connected, redis_backplane
from tests.support.fakes.fake_clock import FakeClock
from tests.support.servers.in_process_server import StartServer
from tests.support.servers.redis_server import redis_server
from tests.support.wait import until

from rustygpt_server.clock import TimeLimits
from rustygpt_server.realtime.backplane_messages import CancelAnswer
from rustygpt_shared.settings import BackplaneSettings, Db, Llm, Settings, Sse


async def test_a_lost_redis_is_listened_to_again() -> None:
    """The ear is told that something may have been missed meanwhile."""
    async with (
        redis_server() as redis,
        redis_backplane(redis.url, "a") as one,
        redis_backplane(redis.url, "b") as two,
    ):
        ear = RecordingListener()
        await one.start(RecordingListener())
        await two.start(ear)
        await all_connected(one, two)
        await redis.stop()
        await until(lambda: not one.connected and not two.connected)
        await redis.start()
        await until(lambda: one.connected and two.connected and ear.connections == 2, seconds=10)
        word = CancelAnswer(uuid4())
        one.publish(word)
        await until(lambda: ear.messages == [word], seconds=10)


async def test_a_redis_that_says_nothing_is_noticed() -> None:
    """It is asked whether it lives; one that does not answer is given up, and tried again."""
    limits = TimeLimits(listen_probe=0.05, listen_probe_timeout=0.3)
    async with redis_server() as redis, redis_backplane(redis.url, "a", limits) as line:
        ear = RecordingListener()
        await line.start(ear)
        await all_connected(line)
        redis.freeze(on=True)
        await until(lambda: not line.connected)
        redis.freeze(on=False)
        await until(lambda: ear.connections >= 2, seconds=10)


async def test_streams_go_on_without_redis(start_server: StartServer) -> None:
    """Two servers whose Redis dies: what one writes still reaches the other's readers."""
    async with redis_server() as redis:
        clock = FakeClock()
        settings = Settings(
            llm=Llm(default_model="demo"),
            db=Db(max_connections=4),
            sse=Sse(backplane=BackplaneSettings(url=redis.url)),
        )
        async with (
            start_server(settings=settings, clock=clock) as one,
            start_server(settings=settings, clock=clock) as two,
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
                await until(lambda: not two.components.realtime.backplane.connected)
                second = await ann.reply(first)
                waiting = asyncio.create_task(stream.next("message.new"))
                while not waiting.done():
                    await asyncio.sleep(0.01)
                    clock.advance(1)

    assert waiting.result()["payload"]["message"]["id"] == second
