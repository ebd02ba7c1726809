"""The life of the `serve` command: database, schema, server, and words for whoever watches."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

import uvloop

from rustygpt_server import assets
from rustygpt_server.app.config import Config
from rustygpt_server.app.parts import Parts
from rustygpt_server.app.run import listen, serve
from rustygpt_server.clock import SystemClock, TimeLimits
from rustygpt_server.config import data_folder
from rustygpt_server.db.bootstrap import PoolLogin, bootstrap
from rustygpt_server.db.refusals import DatabaseError, Unavailable
from rustygpt_server.errors import StartFailed
from rustygpt_server.telemetry import Metrics, set_up_logging
from rustygpt_shared.settings.load import Loaded

Tell = Callable[[dict[str, str]], None]


class Urls(NamedTuple):
    """How the database is reached: by the pool, and by the owner who bootstraps."""

    pool: str
    owner: str | None


def run_server(loaded: Loaded, environ: Mapping[str, str], *, supervised: bool) -> int:
    """Serve until told to stop; answers the exit code.

    Supervised, progress is told as JSON lines on standard output, and the server ends when its
    standard input closes: a terminal that was killed leaves no server behind.
    """
    set_up_logging(loaded.settings.logging)
    tell = _tell_program if supervised else _tell_person
    try:
        uvloop.run(_run(loaded, environ, tell, supervised=supervised))
    except (StartFailed, DatabaseError) as error:
        tell({"failed": str(error)})
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


async def _run(loaded: Loaded, environ: Mapping[str, str], tell: Tell, *, supervised: bool) -> None:
    settings = loaded.settings
    stop = asyncio.Event()
    if supervised:
        _stop_with_parent(stop)
    sock = listen(settings.server.host, settings.server.port)
    try:
        async with _database(loaded, environ, tell) as urls:
            tell({"stage": "Checking the schema"})
            metrics = Metrics()
            login = await _bootstrap(urls, metrics)
            config = Config(settings, urls.pool, login, environ, metrics=metrics)
            await serve(config, sock, lambda url, parts: _ready(tell, url, parts), stop)
    finally:
        sock.close()


@asynccontextmanager
async def _database(loaded: Loaded, environ: Mapping[str, str], tell: Tell) -> AsyncIterator[Urls]:
    db = loaded.settings.db
    if db.url:
        yield Urls(db.url, db.owner_url)
        return
    from rustygpt_server.db import embedded

    folder = data_folder(loaded.settings, environ)
    running = await embedded.start(folder, lambda stage: tell({"stage": stage}))
    try:
        yield Urls(running.url, None)
    finally:
        await running.stop()


async def _bootstrap(urls: Urls, metrics: Metrics) -> PoolLogin:
    """Apply the scripts; a database that does not answer yet is waited for."""
    clock = SystemClock()
    deadline = clock.monotonic() + TimeLimits().database_wait

    def count(stage: str, status: str, seconds: float) -> None:
        metrics.scripts.labels(stage, status).inc()
        metrics.script_durations.labels(stage).observe(seconds)

    while True:
        try:
            return await bootstrap(
                urls.pool, urls.owner, assets.sql_folder(), clock.now(), on_script=count
            )
        except Unavailable:
            if clock.monotonic() > deadline:
                raise
            await clock.sleep(0.5)


def _ready(tell: Tell, url: str, parts: Parts) -> None:
    if not parts.is_setup:
        tell({"setup_token": parts.config.setup_token})
    tell({"ready": url})


def _stop_with_parent(stop: asyncio.Event) -> None:
    """Set the event when standard input ends."""
    loop = asyncio.get_running_loop()
    descriptor = sys.stdin.fileno()

    def read() -> None:
        with suppress(BlockingIOError):
            if not os.read(descriptor, 4_096):
                loop.remove_reader(descriptor)
                stop.set()

    os.set_blocking(descriptor, False)
    loop.add_reader(descriptor, read)


def _tell_program(news: dict[str, str]) -> None:
    with suppress(BrokenPipeError):
        print(json.dumps(news), flush=True)


def _tell_person(news: dict[str, str]) -> None:
    words = {
        "stage": "{} …",
        "ready": "Ready: {}",
        "failed": "The server cannot start: {}",
        "setup_token": "Nobody is set up yet. From another machine, setting up needs this: {}",
    }
    for kind, text in news.items():
        print(words[kind].format(text), file=sys.stderr, flush=True)
