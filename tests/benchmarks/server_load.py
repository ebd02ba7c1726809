"""Our server under load: a real process on its embedded PostgreSQL, with durability enabled."""

import asyncio
import shutil
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.benchmarks.harness import (
    Case,
    cells,
    kernel_memory,
    load,
    median,
    memory,
    pin,
    progress,
    table,
)
from tests.support.database.databases import short_folder
from tests.support.servers.in_process_server import HttpUser, RunningServer
from tests.support.servers.server_process import UNLIMITED, ServerProcess, plain_environ

_LOAD = [
    Case(1, callers=1),
    Case(1, callers=64),
    Case(1, rate=50),
    Case(1_000, rate=50),
    Case(1_000, rate=50, stalled=50),
    Case(1_000, callers=4),
]
_COLUMNS = ("deliveries/s", "CPU µs each", "p50 ms", "p99 ms")


@asynccontextmanager
async def our_server(**environ: str) -> AsyncIterator[ServerProcess]:
    """Yield a server that has never been started; its data are deleted at the end."""
    work = Path(tempfile.mkdtemp())
    data = short_folder()
    variables = {
        "RUSTYGPT_CONFIG_DIR": str(work),
        "RUSTYGPT_DATA_DIR": str(data),
        "RUSTYGPT__LLM__DEFAULT_MODEL": "demo",
        "RUSTYGPT__LOGGING__LEVEL": "warning",
        **UNLIMITED,
        "RUSTYGPT__SSE__MAX_STREAMS_PER_USER": "20000",
        "RUSTYGPT__SERVER__MAX_CONNECTIONS_PER_ADDRESS": "20000",
    }
    server = ServerProcess({**plain_environ(), **variables, **environ}, work / "server.log")
    try:
        yield server
    finally:
        await server.stop()
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(data, ignore_errors=True)


async def measure_starts() -> str:
    """Measure the seconds until a server is ready, and its memory then."""
    async with our_server() as server:
        seconds = []
        megabytes = 0.0
        for run in range(4):
            progress(f"start {run + 1} of 4")
            started = time.perf_counter()
            await server.start()
            seconds.append(time.perf_counter() - started)
            megabytes = memory(server.pid)
            await server.stop()
    rows = [
        ("first start (creates the database)", f"{seconds[0]:.2f} s"),
        ("later start (median of 3)", f"{sorted(seconds[1:])[1]:.2f} s"),
        ("memory of an idle server", f"{megabytes:.0f} MB"),
    ]
    return table(("start", ""), rows)


async def measure_load(client: Path, repetitions: int) -> str:
    """Measure posts and deliveries, each case several times."""
    async with our_server() as server:
        await server.start()
        pin(server.pid, 0)
        running = RunningServer(server.url)
        person = await running.person("ann")
        rows = [await _row(client, server, person, case, repetitions) for case in _LOAD]
        for user in running.people.values():
            await user.client.aclose()
    head = (
        "our server, by posts",
        "posts/s",
        "post p50 ms",
        *_COLUMNS,
        "kernel KB per stalled",
        "lost",
    )
    return table(head, rows)


async def _row(
    client: Path, server: ServerProcess, person: HttpUser, case: Case, repetitions: int
) -> list[str]:
    results = []
    kernel_kilobytes = []
    for _ in range(repetitions):
        arguments = await post_arguments(server.url, server.url, person)
        before = kernel_memory()
        loading = asyncio.to_thread(load, client, case, arguments, server.pid)
        task = asyncio.ensure_future(loading)
        peak = before
        while not task.done():
            peak = max(peak, kernel_memory())
            await asyncio.sleep(0.1)
        results.append(task.result())
        kernel_kilobytes.append((peak - before) / max(1, case.stalled))
    columns = cells(results, _COLUMNS)
    good = [result for result in results if "error" not in result]
    posts = [f"{median(good, 'pub_per_s'):,.0f}", f"{median(good, 'pub_rt_p50_ms'):.1f}"]
    kernel = f"{statistics.median(kernel_kilobytes):.0f}" if case.stalled else ""
    return [str(case), *posts, *columns[:-1], kernel, columns[-1]]


async def post_arguments(reading: str, posting: str, person: HttpUser) -> list[str]:
    """Return the load client's arguments for a new conversation, which may be read elsewhere."""
    conversation_id = await person.conversation()
    root = await person.root(conversation_id)
    cookies = "; ".join(f"{k}={v}" for k, v in person.client.cookies.items())
    return [
        "--url",
        f"{reading}/api/stream/conversations/{conversation_id}",
        "--cookie",
        cookies,
        "--pub-url",
        f"{posting}/api/messages/{root}/reply",
        "--pub-cookie",
        cookies,
        "--pub-header",
        f"X-CSRF-TOKEN: {person.csrf}",
        "--pub-body",
        '{"content":"{m} {pad}"}',
        "--pad",
        "96",
    ]
