"""The terminal loads a window of a thread, whatever the thread's size."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.clients.thread_reader import (
    LargeThread,
    Opening,
    large_threads,
    sign_in,
    terminal_folders,
    thread_reader,
)
from tests.support.database import databases
from tests.support.servers.in_process_server import HttpUser, RunningServer
from tests.support.servers.server_process import server_process

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SIZES = (400, 100_000)
"""Messages of a thread as large as what is loaded of any thread, and of a large one."""
MAX_LOADED = 1_000
"""Messages that are loaded around one place at most."""


@dataclass
class _Site:
    url: str
    ann: HttpUser
    threads: list[LargeThread]


@asynccontextmanager
async def _site(folder: Path, cluster_url: str, *sizes: int) -> AsyncIterator[_Site]:
    """Run a server with threads of these sizes; Ann's terminals have a session."""
    database_url = await databases.create(cluster_url)
    with terminal_folders(folder):
        async with (
            server_process(folder, database_url, RUSTYGPT_PROFILE="test") as running,
            databases.connected(database_url) as connection,
        ):
            server = RunningServer(running.url)
            threads = await large_threads(server, connection, sizes)
            await sign_in(running.url)
            yield _Site(running.url, await server.person("ann"), threads)
            await server.close()
    await databases.drop(cluster_url, database_url)


async def _openings(site: _Site, thread: LargeThread) -> dict[str, Opening]:
    """Open a thread in three places, each in a terminal that has loaded nothing of it."""
    opened = {}
    for place, unread, at in (
        ("end", None, None),
        ("first unread", thread.middle, None),
        ("middle", None, thread.middle),
    ):
        await thread.read(site.ann, unread)
        async with thread_reader(site.url) as reader:
            opened[place] = await reader.open(thread, at)
            assert reader.transcript.following == (place == "end")
            assert reader.transcript.has_entry(thread.ids[-1] if place == "end" else thread.middle)
    return opened


async def test_opening_costs_the_same_in_a_thread_of_any_size(
    tmp_path: Path, cluster_url: str
) -> None:
    """The same number of requests, none of them twice, and at most twice the bytes."""
    async with _site(tmp_path, cluster_url, *SIZES) as site:
        few, many = [await _openings(site, thread) for thread in site.threads]

    for place, opening in many.items():
        assert len(opening.requests) <= len(few[place].requests), place
        assert opening.bytes <= 2 * few[place].bytes, place
        assert opening.messages <= MAX_LOADED, place
        single = [path for path in opening.requests if "/api/messages/" in path]
        assert len(single) == len(set(single)), place


async def test_going_about_a_large_thread_loads_only_where_one_stops(
    tmp_path: Path, cluster_url: str
) -> None:
    """Its end, its beginning, its next unread message; all read, and unread again from there."""
    async with _site(tmp_path, cluster_url, SIZES[1]) as site:
        (thread,) = site.threads
        await thread.read(site.ann, thread.middle)
        async with thread_reader(site.url) as reader:
            opened = await reader.open(thread)
            driver, transcript = reader.driver, reader.transcript
            driver.main.focus_messages()
            await driver.pilot.press("G")
            await driver.until(lambda: transcript.following)
            await reader.settled()
            await driver.until("↑ ")
            await driver.pilot.press("g")
            await driver.until(lambda: transcript.anchor_id == thread.root)
            await reader.settled()
            await driver.pilot.press("n")
            await driver.until(lambda: transcript.selected is not None)
            await reader.settled()
            await driver.pilot.press("m")
            session = driver.main.controller.loaded_session
            assert session is not None
            await driver.until(lambda: not session.loaded_state.unread(thread.root))
            await reader.settled()
            loaded = sum(1 for _ in session.loaded_state.trees[thread.root])
            requests = len(reader.traffic.requests)

    assert opened.messages <= MAX_LOADED
    assert loaded <= 3 * MAX_LOADED
    assert requests <= 25
