"""Redis between the servers loses its data, its clients, or itself; no event is lost."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from redis.asyncio import Redis
from tests.e2e.faults.conftest import Servers
from tests.support.clients.load_generator import last_number, post_load
from tests.support.servers.in_process_server import RunningServer
from tests.support.servers.redis_server import RedisServer, redis_server
from tests.support.streams.raw_streams import streams

pytestmark = pytest.mark.slow

Fault = Callable[[RedisServer, Redis], Awaitable[None]]


async def _flush(_: RedisServer, redis: Redis) -> None:
    await redis.flushall()


async def _kill_listeners(_: RedisServer, redis: Redis) -> None:
    await redis.client_kill_filter(_type="pubsub")


async def _overflow(_: RedisServer, redis: Redis) -> None:
    """Make Redis cut listeners as soon as anything waits for them, as it does with slow ones."""
    await redis.config_set("client-output-buffer-limit", "pubsub 1 1 1")
    await redis.publish("nobody", "x")
    for channel in await redis.pubsub_channels():
        await redis.publish(channel, "x" * 100_000)
    await redis.config_set("client-output-buffer-limit", "pubsub 33554432 8388608 60")


async def _restart(server: RedisServer, _: Redis) -> None:
    await server.stop()
    await asyncio.sleep(1)
    await server.start()


async def test_no_failure_of_redis_loses_an_event(servers: Servers, fresh_url: str) -> None:
    """Flushed, its listeners cut, stopped and started under load: every event arrives once."""
    async with redis_server() as server, Redis.from_url(server.url) as redis:
        more = {"RUSTYGPT__SSE__BACKPLANE__URL": server.url}
        async with servers(fresh_url, 2, **more) as cluster:
            one, two = (RunningServer(url) for url in cluster.urls)
            ann = await one.person("ann")
            there = await two.sign_in("ann")
            conversation_id = await ann.conversation()
            root = await ann.root(conversation_id)
            async with (
                streams(ann, conversation_id, 2) as here,
                streams(there, conversation_id, 2) as away,
            ):
                async with post_load(ann, there, root=root) as writer:
                    for fault in (_flush, _kill_listeners, _overflow, _restart):
                        await writer.wait_for_more(10)
                        await fault(server, redis)
                    await writer.wait_for_more(10)
                last = await last_number(ann, conversation_id)
                for stream in (*here, *away):
                    await stream.wait_for_number(last)
                    assert stream.numbers()[0] == 3
                    assert not stream.ended.is_set()
            for running in (one, two):
                await running.close()

    assert writer.refused == []
