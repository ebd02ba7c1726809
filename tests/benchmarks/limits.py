"""What rate limits cost: a request in memory, bytes per cell, a login and a post."""

import asyncio
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from sanic.compat import Header
from tests.benchmarks.harness import progress, table
from tests.benchmarks.posts import new_builder
from tests.support.database.database_builder import DatabaseBuilder

from rustygpt_server.api.rate_limiting import RequestLimiter, Route
from rustygpt_server.clock import SystemClock
from rustygpt_server.db import rate_limits
from rustygpt_server.db.messages import NewMessage, Post
from rustygpt_server.rates import Rate
from rustygpt_server.runtime import Runtime
from rustygpt_server.services.access import AccessMonitor
from rustygpt_server.services.callers import Caller
from rustygpt_server.services.post_writer import PostWriter
from rustygpt_server.services.rate_limit_cells import MAX_CELLS, RateLimitCells
from rustygpt_server.services.rate_limits import RateLimits
from rustygpt_server.telemetry import bind_client
from rustygpt_shared.settings import RateLimits as RateLimitSettings

REQUESTS = 200_000
STATEMENTS = 2_000
CALLERS = 16
_RATE = Rate.of("default", 1e6, 1_000_000)
_POSTING = Rate.of("conversation.post", 1e6, 1_000_000)


async def measure_limits(repetitions: int) -> str:
    """Measure limits in memory, then in the database."""
    progress("limits in memory")
    in_memory = [
        ("a request of a user, with headers and metrics", _median(_admit, repetitions)),
        ("a cell that is used again", _median(_take_again, repetitions)),
        ("a new cell, of 1,000,000 addresses", _median(_take_new, repetitions)),
    ]
    rows = [(name, f"{seconds * 1e6:.2f} µs CPU") for name, seconds in in_memory]
    rows.append(("bytes per cell", f"{_bytes_per_cell():,.0f}"))
    async with new_builder() as builder:
        rows += await _measure_database(builder, repetitions)
    return table(("what", "cost"), rows)


def _median(measure: Callable[[], float], repetitions: int) -> float:
    return sorted(measure() for _ in range(repetitions))[repetitions // 2]


def _admit() -> float:
    """Return the CPU seconds of what limiting adds to a request whose caller is known."""
    settings = RateLimitSettings(default_rps=1e6, burst=1_000_000)
    access = cast("AccessMonitor", SimpleNamespace(subscribe=lambda _: None))
    limiter = RequestLimiter(RateLimits(cast("Any", None), access, settings, Runtime()))
    route = Route("GET", "/api/conversations/{conversation_id}")
    callers = [_caller(number) for number in range(1_000)]
    bind_client("192.0.2.1", "192.0.2.1")
    loops = REQUESTS // len(callers)
    started = time.process_time()
    for _ in range(loops):
        for caller in callers:
            request: Any = SimpleNamespace(ctx=SimpleNamespace())
            limiter.count(route, request, caller)
            limiter.finish(request, Header())
    return (time.process_time() - started) / (loops * len(callers))


def _caller(number: int) -> Caller:
    return cast("Caller", SimpleNamespace(user=SimpleNamespace(id=UUID(int=number))))


def _take_again() -> float:
    cells = RateLimitCells()
    users = [UUID(int=number) for number in range(1_000)]
    started = time.process_time()
    for number in range(REQUESTS):
        cells.take(_RATE, users[number % 1_000], number)
    return (time.process_time() - started) / REQUESTS


def _take_new() -> float:
    cells = RateLimitCells()
    addresses = [f"2001:db8:{n >> 16:x}:{n & 0xFFFF:x}::/64" for n in range(1_000_000)]
    started = time.process_time()
    for address in addresses:
        cells.take(_RATE, address, 0)
    return (time.process_time() - started) / len(addresses)


def _bytes_per_cell() -> float:
    cells = RateLimitCells()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for n in range(2 * MAX_CELLS):
        cells.take(_RATE, f"2001:db8:{n >> 16:x}:{n & 0xFFFF:x}::/64", 0)
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return used / len(cells)


async def _measure_database(builder: DatabaseBuilder, repetitions: int) -> list[tuple[str, str]]:
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada)
    writer = PostWriter(builder.db, lambda: None, SystemClock())

    async def log_in(number: int) -> None:
        name, address = f"name {number}", f"address {number % 100}"
        await rate_limits.admit_login(builder.db, name, address, _RATE, builder.now)

    def post(rate: Rate | None) -> Callable[[int], Awaitable[Any]]:
        async def write(_: int) -> None:
            message = NewMessage(builder.id(), "text")
            await writer.write(Post(ada, message, conversation_id=conversation_id, rate=rate))

        return write

    rows = []
    for name, work in (
        ("a login, before its password is hashed", log_in),
        ("a post without a limit", post(None)),
        ("a post with a limit", post(_POSTING)),
    ):
        progress(name)
        runs = sorted([await _seconds_each(work) for _ in range(repetitions)])
        rows.append((name, f"{runs[len(runs) // 2] * 1e3:.2f} ms"))
    return rows


async def _seconds_each(work: Callable[[int], Awaitable[Any]]) -> float:
    """Return the seconds per call of several callers together."""

    async def run(first: int) -> None:
        for number in range(first, STATEMENTS, CALLERS):
            await work(number)

    started = time.perf_counter()
    await asyncio.gather(*(run(first) for first in range(CALLERS)))
    return (time.perf_counter() - started) / STATEMENTS
