"""Durable posts per second: the bare procedure, one statement per post, and grouped posts."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from uuid import UUID

from tests.benchmarks.harness import progress, table
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
async def new_builder() -> AsyncIterator[DatabaseBuilder]:
    """Yield users on a private PostgreSQL with durability enabled."""
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
    """Measure each way of posting, to one conversation and to many."""
    async with new_builder() as builder:
        post_writer = PostWriter(builder.db, builder.new_claim, SystemClock())
        ways: list[tuple[str, int, Write]] = [
            ("a statement each, a connection each", POOL, builder.write),
            ("a statement each, a pool for all", CALLERS, builder.write),
            ("grouped", CALLERS, post_writer.write),
        ]
        ada = await builder.person("ada")
        rows = []
        for conversations in (1, 50):
            for name, callers, write in ways:
                progress(f"{name}, {conversations} conversations")
                runs = [
                    await _run(builder, ada, conversations, callers, write)
                    for _ in range(repetitions)
                ]
                rate, p50, p99 = sorted(runs)[len(runs) // 2]
                cells = (f"{rate:,.0f}", f"{p50 * 1000:.1f}", f"{p99 * 1000:.1f}")
                rows.append((name, str(callers), str(conversations), *cells))
    return table(("posts", "callers", "conversations", "posts/s", "p50 ms", "p99 ms"), rows)


async def _run(
    builder: DatabaseBuilder, actor: UUID, conversations: int, callers: int, write: Write
) -> tuple[float, float, float]:
    """Return posts per second, and the median and 99th percentile of a post's seconds."""
    roots = []
    for _ in range(conversations):
        conversation_id = await builder.conversation(actor)
        roots.append((await builder.post(actor, conversation_id)).posted.message_id)
    numbers = count()
    durations: list[float] = []
    started = time.perf_counter()

    async def call() -> None:
        while (start := time.perf_counter()) < started + SECONDS:
            number = next(numbers)
            message = NewMessage(builder.id(), f"post {number} " + 96 * "x")
            await write(Post(actor, message, parent_id=roots[number % conversations]))
            durations.append(time.perf_counter() - start)

    await asyncio.gather(*(call() for _ in range(callers)))
    elapsed = time.perf_counter() - started
    durations.sort()
    total = len(durations)
    return total / elapsed, durations[total // 2], durations[total * 99 // 100]
