"""From a post in one process to its delivery in another: real servers, durable posts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.benchmarks.harness import Case, cells, load, table
from tests.benchmarks.server_load import our_server, post_arguments
from tests.support.servers.in_process_server import HttpUser, RunningServer
from tests.support.servers.redis_server import PROGRAM, redis_url
from tests.support.servers.server_process import ServerProcess

_CASES = [
    Case(20, rate=10, seconds=4),
    Case(20, rate=100, seconds=4),
    Case(20, rate=500, seconds=4),
]
_SHOWN = ("deliveries/s", "p50 ms", "p99 ms")


@asynccontextmanager
async def two_servers(redis: str | None) -> AsyncIterator[tuple[ServerProcess, ServerProcess]]:
    """Two processes on one database, with PostgreSQL or a Redis between them."""
    more = {"RUSTYGPT__SSE__BACKPLANE__URL": redis} if redis else {}
    async with our_server(**more) as one:
        await one.start()
        two = one.clone()
        try:
            await two.start()
            yield one, two
        finally:
            await two.stop()


async def measure_cross_process(client: Path, repetitions: int) -> str:
    """Both ways to tell other processes, at several rates; within one process for comparison."""
    rows = await _rows("PostgreSQL", client, repetitions, None)
    if PROGRAM is not None:
        async with redis_url() as url:
            rows += await _rows("Redis", client, repetitions, url)
    words = "" if PROGRAM else "\nleft out: Redis: redis-server is not here"
    return table(("posts in one process", "read in", *_SHOWN, "lost"), rows) + words


async def _rows(name: str, client: Path, repetitions: int, redis: str | None) -> list[list[str]]:
    rows = []
    async with two_servers(redis) as (one, two):
        site = RunningServer(one.url)
        person = await site.person("ann")
        for case in _CASES:
            for place, reading in (("itself", one), (f"another, by {name}", two)):
                told = [await _load(client, case, one, reading, person) for _ in range(repetitions)]
                rows.append([str(case), place, *cells(told, _SHOWN)])
        for known in site.people.values():
            await known.client.aclose()
    return rows


async def _load(
    client: Path, case: Case, one: ServerProcess, reading: ServerProcess, person: HttpUser
) -> dict[str, object]:
    arguments = await post_arguments(reading.url, one.url, person)
    return await asyncio.to_thread(load, client, case, arguments, one.pid, reading.pid)
