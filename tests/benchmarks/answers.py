"""Answers of the assistant: many at once, and what a long one writes to the database.

The model's server is scripted and runs here, as does the subscriber: one clock measures from the
byte that the model's server sends to the byte that a subscriber gets.
"""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from tests.benchmarks.harness import memory, percentile, pin, progress, table
from tests.benchmarks.server_load import our_server
from tests.support.database import databases
from tests.support.fakes.fake_model_server import chunk, finished
from tests.support.servers.in_process_server import HttpUser, RunningServer
from tests.support.servers.server_process import ServerProcess

from rustygpt_server.db import embedded

_PROCEDURES = """
SELECT sum(calls) FILTER (WHERE funcname = 'append_chunks'), sum(calls) FILTER (WHERE funcname IN (
  'append_chunks', 'post_messages', 'list_prompt', 'find_unfinished_ancestor', 'finish_answer',
  'renew_leases', 'fail_orphans', 'list_cancelled'))
FROM pg_catalog.pg_stat_user_functions WHERE schemaname = 'rustygpt'
"""
_STORED = """
SELECT (SELECT COALESCE(sum(octet_length(content)), 0) FROM rustygpt.messages)
  + (SELECT COALESCE(sum(octet_length(content)), 0) FROM rustygpt.chunks)
  + (SELECT COALESCE(sum(octet_length(payload::text)), 0) FROM rustygpt.events)
"""


class _Writes(NamedTuple):
    """What the database has counted so far."""

    chunk_statements: int
    statements: int
    stored_bytes: int
    wal_bytes: int


class _Run(NamedTuple):
    """One measurement."""

    latencies: list[float]
    """Milliseconds from a token's byte to the subscriber."""
    cpu_share: float
    """Of one core, while answers streamed."""
    writes: _Writes


async def measure_answers() -> str:
    """Measure both, and return the tables."""
    async with _site(tokens=1_000, rate=100, text=_now) as site:
        crowd = [await site.run(count) for count in (1, 10, 50)]
        megabytes = memory(site.server.pid)
    rows = [_crowd_row(count, run) for count, run in zip((1, 10, 50), crowd, strict=True)]
    head = ("answers at once, 100 tokens/s each", "p50 ms", "p99 ms", "CPU", "statements/s", "lost")
    crowd_table = table(head, rows) + f"\n\nmemory afterwards: {megabytes:.0f} MB"
    lengths = []
    for tokens in (1_000, 10_000):
        async with _site(tokens=tokens, rate=500, text=lambda: "word ") as site:
            lengths.append(_length_row(tokens, await site.run(1)))
    head = ("one answer, 500 tokens/s", "chunks", "statements", "text bytes stored", "WAL bytes")
    return f"{crowd_table}\n\n{table(head, lengths)}"


def _crowd_row(count: int, run: _Run) -> list[str]:
    lost = count * 1_000 - len(run.latencies)
    return [
        str(count),
        f"{percentile(run.latencies, 0.5):.1f}",
        f"{percentile(run.latencies, 0.99):.1f}",
        f"{run.cpu_share:.0%}",
        f"{run.writes.statements / 10:.1f}",
        str(lost),
    ]


def _length_row(tokens: int, run: _Run) -> list[str]:
    writes = run.writes
    numbers = (writes.chunk_statements, writes.statements, writes.stored_bytes, writes.wal_bytes)
    return [f"{tokens:,} tokens", *(f"{number:,}" for number in numbers)]


class _Site:
    """A server, its model, and a user with as many conversations as answers are needed."""

    def __init__(
        self, server: ServerProcess, person: HttpUser, superuser: Any, tokens: int
    ) -> None:
        self.server = server
        self._person = person
        self._superuser = superuser
        self._tokens = tokens

    async def run(self, count: int) -> _Run:
        """Ask `count` questions at once, and read all answers."""
        progress(f"{count} answers of {self._tokens:,} tokens")
        body = {"title": "Answers", "assistant_mode": "always"}
        created = [
            await self._person.post("/api/conversations", body, expect=201) for _ in range(count)
        ]
        before = await self._writes()
        cpu_before, started = _cpu_seconds(self.server.pid), time.perf_counter()
        reader = asyncio.create_task(self._read(count))
        await asyncio.sleep(0.5)  # the stream is open before the first question
        for one in created:
            path = f"/api/threads/{one['conversation_id']}/root"
            await self._person.post(path, {"content": "Tell me."}, expect=201)
        latencies = await reader
        seconds = time.perf_counter() - started
        cpu = (_cpu_seconds(self.server.pid) - cpu_before) / seconds
        await asyncio.sleep(1.5)  # PostgreSQL reports its statistics once per second
        after = await self._writes()
        return _Run(latencies, cpu, _Writes(*(b - a for a, b in zip(before, after, strict=True))))

    async def _read(self, count: int) -> list[float]:
        """Return the milliseconds of every token until `count` answers are done."""
        latencies: list[float] = []
        done = 0
        async with self._person.client.stream("GET", "/api/stream", timeout=None) as response:
            async for line in response.aiter_lines():
                if not line.startswith("data:"):
                    continue
                now = time.monotonic_ns()
                event = msgspec.json.decode(line[5:])
                if event["type"] == "message.delta":
                    text = event["payload"]["choices"][0]["delta"].get("content", "")
                    latencies += [(now - int(t)) / 1e6 for t in text.split() if t.isdigit()]
                done += event["type"] == "message.done"
                if done == count:
                    break
        return latencies

    async def _writes(self) -> _Writes:
        chunks, statements = await self._superuser.fetchrow(_PROCEDURES)
        stored = await self._superuser.fetchval(_STORED)
        wal = await self._superuser.fetchval("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")
        return _Writes(int(chunks or 0), int(statements or 0), int(stored), int(wal))


@asynccontextmanager
async def _site(*, tokens: int, rate: float, text: Callable[[], str]) -> AsyncIterator[_Site]:
    """Yield a new server whose model answers with `tokens` tokens at `rate` per second."""
    folder = databases.short_folder()
    running = await embedded.start(folder)
    try:
        url = await databases.create(running.url)
        async with databases.connected(url) as superuser:
            name = await superuser.fetchval("SELECT current_database()")
            await superuser.execute(f"ALTER DATABASE \"{name}\" SET track_functions = 'all'")
            async with _model_server(tokens, rate, text) as model, _server(url, model) as server:
                pin(server.pid, 0)
                people = RunningServer(server.url)
                yield _Site(server, await people.person("ann"), superuser, tokens)
                for user in people.people.values():
                    await user.client.aclose()
    finally:
        await running.stop()
        shutil.rmtree(folder)


@asynccontextmanager
async def _server(database_url: str, model_url: str) -> AsyncIterator[ServerProcess]:
    variables = {
        "RUSTYGPT__DB__URL": database_url,
        "RUSTYGPT__LLM__DEFAULT_MODEL": "scripted",
        "RUSTYGPT__LLM__PROVIDERS__P__KIND": "openai",
        "RUSTYGPT__LLM__PROVIDERS__P__BASE_URL": model_url,
        "RUSTYGPT__LLM__MODELS__SCRIPTED__PROVIDER": "p",
        "RUSTYGPT__LLM__MAX_CONCURRENT_REQUESTS": "64",
    }
    async with our_server(**variables) as server:
        await server.start()
        yield server


@asynccontextmanager
async def _model_server(tokens: int, rate: float, text: Callable[[], str]) -> AsyncIterator[str]:
    """Yield the URL of a model that writes tokens."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await _skip_request(reader)
            await _write_tokens(writer, tokens, rate, text)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()


async def _skip_request(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    lengths = [line[15:] for line in head.split(b"\r\n") if line.startswith(b"content-length:")]
    await reader.readexactly(int(lengths[0]) if lengths else 0)


async def _write_tokens(
    writer: asyncio.StreamWriter, tokens: int, rate: float, text: Callable[[], str]
) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
    started = time.monotonic()
    for number in range(tokens):
        await asyncio.sleep(max(0, started + number / rate - time.monotonic()))
        writer.write(chunk(text()))
        await writer.drain()
    writer.write(finished())


def _now() -> str:
    """Return the time in nanoseconds, from which a subscriber calculates how old a token is."""
    return f"{time.monotonic_ns()} "


def _cpu_seconds(pid: int) -> float:
    """Return the processor time of a process so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
