"""The time from a post in one process to its delivery in another: real servers, durable posts."""

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
_COLUMNS = ("deliveries/s", "p50 ms", "p99 ms")


@asynccontextmanager
async def two_servers(redis: str | None) -> AsyncIterator[tuple[ServerProcess, ServerProcess]]:
    """Yield two processes on one database, connected through PostgreSQL or a Redis."""
    variables = {"RUSTYGPT__SSE__BACKPLANE__URL": redis} if redis else {}
    async with our_server(**variables) as first:
        await first.start()
        second = first.clone()
        try:
            await second.start()
            yield first, second
        finally:
            await second.stop()


async def measure_cross_process(client: Path, repetitions: int) -> str:
    """Measure both backplanes at several rates, and one process alone for comparison."""
    rows = await _rows("PostgreSQL", client, repetitions, None)
    if PROGRAM is not None:
        async with redis_url() as url:
            rows += await _rows("Redis", client, repetitions, url)
    note = "" if PROGRAM else "\nskipped: Redis: redis-server is not installed"
    return table(("posts in one process", "read in", *_COLUMNS, "lost"), rows) + note


async def _rows(name: str, client: Path, repetitions: int, redis: str | None) -> list[list[str]]:
    rows = []
    async with two_servers(redis) as (first, second):
        server = RunningServer(first.url)
        person = await server.person("ann")
        for case in _CASES:
            for label, reading in (("itself", first), (f"another, by {name}", second)):
                results = [
                    await _load(client, case, first, reading, person) for _ in range(repetitions)
                ]
                rows.append([str(case), label, *cells(results, _COLUMNS)])
        for user in server.people.values():
            await user.client.aclose()
    return rows


async def _load(
    client: Path, case: Case, posting: ServerProcess, reading: ServerProcess, person: HttpUser
) -> dict[str, object]:
    arguments = await post_arguments(reading.url, posting.url, person)
    return await asyncio.to_thread(load, client, case, arguments, posting.pid, reading.pid)
