"""The life of the `serve` command: database, schema, server, and words for whoever watches."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

import uvloop

from rustygpt_server import assets
from rustygpt_server.app.config import Config
from rustygpt_server.app.orders import Orders, Script
from rustygpt_server.app.parts import Parts
from rustygpt_server.app.run import address, listen, serve, stop_with_parent
from rustygpt_server.clock import SystemClock, TimeLimits
from rustygpt_server.config import data_folder
from rustygpt_server.db.bootstrap import OutdatedDatabase, PoolLogin, bootstrap
from rustygpt_server.db.refusals import DatabaseError, Unavailable
from rustygpt_server.errors import DatabaseNotUsable, StartFailed
from rustygpt_server.telemetry import set_up_logging
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
        return error.exit_code if isinstance(error, StartFailed) else 1
    except KeyboardInterrupt:
        return 130
    return 0


async def _run(loaded: Loaded, environ: Mapping[str, str], tell: Tell, *, supervised: bool) -> None:
    settings = loaded.settings
    stop = asyncio.Event()
    if supervised:
        stop_with_parent(stop)
    sock = listen(settings.server.host, settings.server.port)
    try:
        async with _database(loaded, environ, tell) as urls:
            tell({"stage": "Checking the schema"})
            scripts: list[Script] = []
            login = await _bootstrap(urls, scripts)
            config = Config(settings, urls.pool, login, environ)
            if settings.server.workers > 1:
                await _serve_with_crew(config, sock, scripts, tell, stop)
            else:
                config.metrics.count_scripts(scripts)
                await serve(config, sock, lambda url, parts: _ready(tell, url, parts), stop)
    except OutdatedDatabase as error:
        raise DatabaseNotUsable(_outdated(loaded, environ)) from error
    finally:
        sock.close()


def _outdated(loaded: Loaded, environ: Mapping[str, str]) -> str:
    """What to do about a database that a development version made."""
    if loaded.settings.db.url:
        what = "name an empty database in db.url, or drop the schema rustygpt with all its data"
    else:
        folder = data_folder(loaded.settings, environ) / "postgres"
        what = f"name another folder with --data-dir, or remove {folder} with all its data"
    return (
        f"A development version before 0.1.0 made this database, which cannot be upgraded: {what}."
    )


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


async def _serve_with_crew(
    config: Config, sock: socket.socket, scripts: list[Script], tell: Tell, stop: asyncio.Event
) -> None:
    from rustygpt_server.app import crew

    with crew.metrics_folder() as folder:
        orders = Orders(
            settings=config.settings,
            pool_url=config.pool_url,
            user=config.pool_login.user,
            password=config.pool_login.password,
            setup_token=config.setup_token,
            socket=sock.fileno(),
            metrics_folder=folder,
            scripts=scripts,
        )
        workers = crew.Crew(orders, config.settings.server.workers, config.clock)
        token = config.setup_token
        await workers.serve(
            lambda is_setup: _tell_ready(tell, address(sock), None if is_setup else token), stop
        )


async def _bootstrap(urls: Urls, scripts: list[Script]) -> PoolLogin:
    """Apply the scripts and note them; a database that does not answer yet is waited for."""
    clock = SystemClock()
    deadline = clock.monotonic() + TimeLimits().database_wait

    def count(stage: str, status: str, seconds: float) -> None:
        scripts.append((stage, status, seconds))

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
    _tell_ready(tell, url, None if parts.is_setup else parts.config.setup_token)


def _tell_ready(tell: Tell, url: str, setup_token: str | None) -> None:
    if setup_token:
        tell({"setup_token": setup_token})
    tell({"ready": url})


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
