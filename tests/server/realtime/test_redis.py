"""The transport over Redis reconnects, and its loss only costs latency."""

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


async def test_a_lost_redis_is_connected_again() -> None:
    """The listener is notified that messages may be missing."""
    async with (
        redis_server() as redis,
        redis_backplane(redis.url, "a") as first,
        redis_backplane(redis.url, "b") as second,
    ):
        listener = RecordingListener()
        await first.start(RecordingListener())
        await second.start(listener)
        await all_connected(first, second)
        await redis.stop()
        await until(lambda: not first.connected and not second.connected)
        await redis.start()
        await all_connected(first, second)
        await until(lambda: listener.connections == 2, seconds=60)
        message = CancelAnswer(uuid4())
        first.publish(message)
        await until(lambda: listener.messages == [message], seconds=60)


async def test_a_redis_that_does_not_answer_is_noticed() -> None:
    """A ping without a reply in time ends the connection, which is opened again."""
    limits = TimeLimits(listen_probe=0.05, listen_probe_timeout=0.3)
    async with redis_server() as redis, redis_backplane(redis.url, "a", limits) as backplane:
        listener = RecordingListener()
        await backplane.start(listener)
        await all_connected(backplane)
        redis.freeze(on=True)
        await until(lambda: not backplane.connected)
        redis.freeze(on=False)
        await until(lambda: listener.connections >= 2, seconds=60)


async def test_streams_go_on_without_redis(start_server: StartServer) -> None:
    """Events of one server still reach the subscribers of the other one."""
    async with redis_server() as redis:
        clock = FakeClock()
        settings = Settings(
            llm=Llm(default_model="demo"),
            db=Db(max_connections=4),
            sse=Sse(backplane=BackplaneSettings(url=redis.url)),
        )
        async with (
            start_server(settings=settings, clock=clock) as first,
            start_server(settings=settings, clock=clock) as second,
        ):
            ann = await first.person("ann")
            ann_at_second = await second.sign_in("ann")
            conversation = await ann.conversation()
            async with ann_at_second.follow(conversation) as stream:
                await stream.next("stream.open")
                root = await ann.root(conversation)
                event = await stream.next("message.new", seconds=60)
                assert event["payload"]["message"]["id"] == root
                await redis.stop()
                await until(lambda: not second.components.realtime.backplane.connected)
                reply = await ann.reply(root)
                next_message = asyncio.create_task(stream.next("message.new"))
                while not next_message.done():
                    await asyncio.sleep(0.01)
                    clock.advance(1)

    assert next_message.result()["payload"]["message"]["id"] == reply
