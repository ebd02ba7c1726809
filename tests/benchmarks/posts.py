"""Durable posts a second: the bare procedure, one statement a post, and posts that are grouped."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from uuid import UUID

from tests.benchmarks.harness import table
from tests.support.database import databases
from tests.support.database.database_builder import DatabaseBuilder

from rustygpt_server.clock import SystemClock
from rustygpt_server.db import embedded
from rustygpt_server.db.messages import NewMessage, Post, PostResult
from rustygpt_server.services.post_writer import PostWriter

POOL = 8
CALLERS = 64
SECONDS = 3.0

Write = Callable[[Post], Awaitable[PostResult]]


@asynccontextmanager
async def _builder() -> AsyncIterator[DatabaseBuilder]:
    """People on a PostgreSQL of its own, with durability on."""
    folder = databases.short_folder()
    running = await embedded.start(folder)
    try:
        login = await databases.prepare(running.url)
        async with databases.pool(running.url, login, POOL) as db:
            yield await DatabaseBuilder.create(db)
    finally:
        await running.stop()
        shutil.rmtree(folder)


async def measure_posts(repetitions: int) -> str:
    """Each way of writing, to one conversation and to many."""
    async with _builder() as scene:
        posting = PostWriter(scene.db, scene.new_claim, SystemClock())
        ways: list[tuple[str, int, Write]] = [
            ("a statement each, a connection each", POOL, scene.write),
            ("a statement each, a pool for all", CALLERS, scene.write),
            ("grouped", CALLERS, posting.write),
        ]
        ada = await scene.person("ada")
        rows = []
        for rooms in (1, 50):
            for name, callers, write in ways:
                runs = [await _run(scene, ada, rooms, callers, write) for _ in range(repetitions)]
                rate, middle, late = sorted(runs)[len(runs) // 2]
                told = (f"{rate:,.0f}", f"{middle * 1000:.1f}", f"{late * 1000:.1f}")
                rows.append((name, str(callers), str(rooms), *told))
    return table(("posts", "callers", "conversations", "posts/s", "p50 ms", "p99 ms"), rows)


async def _run(
    builder: DatabaseBuilder, actor: UUID, conversations: int, callers: int, write: Write
) -> tuple[float, float, float]:
    """Posts a second, and how long the middle one and one in a hundred took at least."""
    roots = []
    for _ in range(conversations):
        room = await builder.conversation(actor)
        roots.append((await builder.post(actor, room)).posted.message_id)
    numbers, spans = count(), list[float]()
    started = time.perf_counter()

    async def call() -> None:
        while (begun := time.perf_counter()) < started + SECONDS:
            number = next(numbers)
            draft = NewMessage(builder.id(), f"post {number} " + 96 * "x")
            await write(Post(actor, draft, parent_id=roots[number % conversations]))
            spans.append(time.perf_counter() - begun)

    await asyncio.gather(*(call() for _ in range(callers)))
    taken = time.perf_counter() - started
    spans.sort()
    return len(spans) / taken, spans[len(spans) // 2], spans[len(spans) * 99 // 100]
