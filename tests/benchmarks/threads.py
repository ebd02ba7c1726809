"""Threads of 100 to 100,000 messages against a real server: opening, typing, scrolling.

What is compared are the ratios to the thread of 100 messages. The web page's tables are in `page`.
"""

import asyncio
import statistics
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from tests.benchmarks.harness import percentile, progress, table
from tests.support.clients.thread_reader import (
    LargeThread,
    Opening,
    ThreadReader,
    large_threads,
    sign_in,
    terminal_folders,
    thread_reader,
)
from tests.support.database import databases
from tests.support.servers.in_process_server import HttpUser, RunningServer
from tests.support.servers.server_process import server_process

SIZES = (100, 10_000, 100_000)
PLACES = ("end", "first unread", "middle")
KEYS = 30
SCROLLED = 2_000
"""Messages that are scrolled through."""


@dataclass
class _Site:
    url: str
    ann: HttpUser
    threads: list[LargeThread]


@dataclass
class _Times:
    """Measurements of one size and place, over several runs."""

    openings: list[Opening] = field(default_factory=list)
    keys: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)

    @property
    def open(self) -> float:
        """The median of the milliseconds until a thread is painted."""
        return statistics.median(opening.milliseconds for opening in self.openings)


def measure_threads(repetitions: int) -> str:
    """Return the tables of the terminal."""
    with databases.cluster() as cluster_url, tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(cluster_url, Path(folder), repetitions))


@asynccontextmanager
async def _site(cluster_url: str, folder: Path) -> AsyncIterator[_Site]:
    database_url = await databases.create(cluster_url)
    with terminal_folders(folder):
        async with (
            server_process(folder, database_url, RUSTYGPT_PROFILE="test") as running,
            databases.connected(database_url) as connection,
        ):
            server = RunningServer(running.url)
            progress("writing the threads")
            threads = await large_threads(server, connection, SIZES)
            await sign_in(running.url)
            yield _Site(running.url, await server.person("ann"), threads)
            await server.close()
    await databases.drop(cluster_url, database_url)


async def _measure(cluster_url: str, folder: Path, repetitions: int) -> str:
    times = {(size, place): _Times() for size in SIZES for place in PLACES}
    async with _site(cluster_url, folder) as site:
        for run in range(repetitions):
            for size, thread in zip(SIZES, site.threads, strict=True):
                for place in PLACES:
                    progress(f"run {run + 1}: a thread of {size:,} messages, {place}")
                    await _run(site, thread, place, times[size, place])
    return _tables(times)


async def _run(site: _Site, thread: LargeThread, place: str, times: _Times) -> None:
    """Open a thread in a terminal that has loaded nothing of it, type, and scroll up."""
    await thread.read(site.ann, thread.middle if place == "first unread" else None)
    at: UUID | None = thread.middle if place == "middle" else None
    async with thread_reader(site.url) as reader:
        times.openings.append(await reader.open(thread, at))
        times.keys += [await reader.type_key() for _ in range(KEYS)]
        times.pages += await _scroll(reader, thread)


async def _scroll(reader: ThreadReader, thread: LargeThread) -> list[float]:
    """Scroll up by pages through `SCROLLED` messages, or to the beginning."""
    numbers = {id_: number for number, id_ in enumerate(thread.ids)}
    first = numbers[reader.transcript.anchor_id]
    pages = []
    while reader.transcript.scroll_offset.y or reader.transcript.entry_layout.more_above:
        pages.append(await reader.page_up())
        if first - numbers[reader.transcript.anchor_id] >= SCROLLED:
            break
    return pages


def _tables(times: dict[tuple[int, str], _Times]) -> str:
    """Return the table of openings, and that of typing and scrolling afterwards."""
    by_place = sorted(times, key=lambda case: PLACES.index(case[1]))
    opening = ("opening", "messages", "ms", "ratio", "requests", "KB", "ratio", "loaded")
    using = ("then", "messages", "key p50", "key p95", "ratio", "page p50", "page p95", "pages")
    first = [(p, f"{n:,}", *_opening_cells(times[n, p], times[SIZES[0], p])) for n, p in by_place]
    then = [(p, f"{n:,}", *_using_cells(times[n, p], times[SIZES[0], p])) for n, p in by_place]
    title = f"Milliseconds to the paint; pages are scrolled up through {SCROLLED:,} messages.\n"
    return f"{table(opening, first)}\n\n{title}\n{table(using, then)}"


def _opening_cells(times: _Times, base: _Times) -> tuple[str, ...]:
    last = times.openings[-1]
    return (
        f"{times.open:.0f}",
        f"{times.open / base.open:.1f}",
        str(len(last.requests)),
        f"{last.bytes / 1_000:.0f}",
        f"{last.bytes / base.openings[-1].bytes:.1f}",
        f"{last.messages:,}",
    )


def _using_cells(times: _Times, base: _Times) -> tuple[str, ...]:
    key = percentile(times.keys, 0.95)
    return (
        f"{percentile(times.keys, 0.5):.1f}",
        f"{key:.1f}",
        f"{key / percentile(base.keys, 0.95):.1f}",
        f"{percentile(times.pages, 0.5):.1f}",
        f"{percentile(times.pages, 0.95):.1f}",
        str(len(times.pages)),
    )
