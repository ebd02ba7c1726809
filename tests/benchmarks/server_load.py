"""Our server under load: a real process on its own PostgreSQL inside, with durability on."""

import asyncio
import shutil
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.benchmarks.harness import Case, cells, kernel_memory, load, median, memory, pin, table
from tests.support.database.databases import short_folder
from tests.support.servers.in_process_server import HttpUser, RunningServer
from tests.support.servers.server_process import ServerProcess, plain_environ

_LOAD = [
    Case(1, callers=1),
    Case(1, callers=64),
    Case(1, rate=50),
    Case(1_000, rate=50),
    Case(1_000, rate=50, stalled=50),
    Case(1_000, callers=4),
]
_SHOWN = ("deliveries/s", "CPU µs each", "p50 ms", "p99 ms")


@asynccontextmanager
async def our_server(**environ: str) -> AsyncIterator[ServerProcess]:
    """A server that was never started before; its data go in the end."""
    work, data = Path(tempfile.mkdtemp()), short_folder()
    more = {
        "RUSTYGPT_CONFIG_DIR": str(work),
        "RUSTYGPT_DATA_DIR": str(data),
        "RUSTYGPT__LLM__DEFAULT_MODEL": "demo",
        "RUSTYGPT__LOGGING__LEVEL": "warning",
        "RUSTYGPT__SSE__MAX_STREAMS_PER_USER": "20000",
    }
    server = ServerProcess({**plain_environ(), **more, **environ}, work / "server.log")
    try:
        yield server
    finally:
        await server.stop()
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(data, ignore_errors=True)


async def measure_starts() -> str:
    """How long it takes until a server is ready, and what it then holds."""
    async with our_server() as server:
        seconds, held = [], 0.0
        for _ in range(4):
            started = time.perf_counter()
            await server.start()
            seconds.append(time.perf_counter() - started)
            held = memory(server.pid)
            await server.stop()
    rows = [
        ("first start (makes the database)", f"{seconds[0]:.2f} s"),
        ("later start (median of 3)", f"{sorted(seconds[1:])[1]:.2f} s"),
        ("memory of an idle server", f"{held:.0f} MB"),
    ]
    return table(("start", ""), rows)


async def measure_load(client: Path, repetitions: int) -> str:
    """Posts and deliveries, each case several times."""
    async with our_server() as server:
        await server.start()
        pin(server.pid, 0)
        site = RunningServer(server.url)
        person = await site.person("ann")
        rows = [await _row(client, server, person, case, repetitions) for case in _LOAD]
        for one in site.people.values():
            await one.client.aclose()
    head = (
        "our server, by posts",
        "posts/s",
        "post p50 ms",
        *_SHOWN,
        "kernel KB each deaf",
        "lost",
    )
    return table(head, rows)


async def _row(
    client: Path, server: ServerProcess, person: HttpUser, case: Case, repetitions: int
) -> list[str]:
    results, held = [], []
    for _ in range(repetitions):
        arguments = await post_arguments(server.url, server.url, person)
        before = kernel_memory()
        loading = asyncio.to_thread(load, client, case, arguments, server.pid)
        task, most = asyncio.ensure_future(loading), before
        while not task.done():
            most = max(most, kernel_memory())
            await asyncio.sleep(0.1)
        results.append(task.result())
        held.append((most - before) / max(1, case.stalled))
    shown = cells(results, _SHOWN)
    good = [result for result in results if "error" not in result]
    posts = [f"{median(good, 'pub_per_s'):,.0f}", f"{median(good, 'pub_rt_p50_ms'):.1f}"]
    kernel = f"{statistics.median(held):.0f}" if case.stalled else ""
    return [str(case), *posts, *shown[:-1], kernel, shown[-1]]


async def post_arguments(reading: str, posting: str, person: HttpUser) -> list[str]:
    """A conversation of its own for each run; it may be read from another server."""
    room = await person.conversation()
    root = await person.root(room)
    cookies = "; ".join(f"{k}={v}" for k, v in person.client.cookies.items())
    return [
        *("--url", f"{reading}/api/stream/conversations/{room}", "--cookie", cookies),
        *("--pub-url", f"{posting}/api/messages/{root}/reply", "--pub-cookie", cookies),
        *("--pub-header", f"X-CSRF-TOKEN: {person.csrf}"),
        *("--pub-body", '{"content":"{m} {pad}"}', "--pad", "96"),
    ]
