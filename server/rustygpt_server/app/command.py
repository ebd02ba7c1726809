"""The `serve` command: database, bootstrap, serving, and progress for a person or a program."""

import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

import uvloop

from rustygpt_server import assets
from rustygpt_server.app.components import Components
from rustygpt_server.app.context import ServerContext
from rustygpt_server.app.run import (
    bind_socket,
    install_signal_handlers,
    serve,
    socket_url,
    stop_on_stdin_eof,
)
from rustygpt_server.app.worker_protocol import ScriptResult, WorkerConfig
from rustygpt_server.clock import SystemClock, TimeLimits
from rustygpt_server.config import data_folder, exposed_secrets_warning
from rustygpt_server.db.bootstrap import OutdatedDatabase, PoolLogin, bootstrap
from rustygpt_server.db.database import Database
from rustygpt_server.errors import DatabaseNotUsable, RequestError, StartupError, Unavailable
from rustygpt_server.services.existing_names import warn_of_broken_names
from rustygpt_server.telemetry import log, set_up_logging
from rustygpt_shared.settings.load import LoadedSettings

Report = Callable[[dict[str, str]], None]


class DatabaseUrls(NamedTuple):
    """The database's URLs: the pool's, and the owner's for the bootstrap."""

    pool: str
    owner: str | None


def run_server(loaded: LoadedSettings, environ: Mapping[str, str], *, supervised: bool) -> int:
    """Serve until stopped; return the exit code.

    With `supervised`, progress is printed as JSON lines on standard output, and the server ends
    when its standard input closes: a terminal that was killed leaves no server behind.
    """
    set_up_logging(loaded.settings.logging)
    warning = exposed_secrets_warning(loaded)
    if warning:
        log(__name__).warning(warning)
    report = _report_json if supervised else _report_text
    try:
        uvloop.run(_run(loaded, environ, report, supervised=supervised))
    except (StartupError, RequestError) as error:
        report({"failed": str(error)})
        return error.exit_code if isinstance(error, StartupError) else 1
    except _StoppedWhileStartingError as stopped:
        return 128 + stopped.number
    return 0


class _StoppedWhileStartingError(Exception):
    """A signal arrived before the server was ready."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(number.name)
        self.number = number


async def _run(
    loaded: LoadedSettings, environ: Mapping[str, str], report: Report, *, supervised: bool
) -> None:
    starting = asyncio.create_task(_start_and_serve(loaded, environ, report, supervised=supervised))
    numbers: list[signal.Signals] = []

    def on_signal(number: signal.Signals) -> None:
        numbers.append(number)
        starting.cancel()

    install_signal_handlers(on_signal)  # replaced by those of a server that is ready
    try:
        await starting
    except asyncio.CancelledError:
        if numbers:
            raise _StoppedWhileStartingError(numbers[0]) from None
        raise


async def _start_and_serve(
    loaded: LoadedSettings, environ: Mapping[str, str], report: Report, *, supervised: bool
) -> None:
    settings = loaded.settings
    stop = asyncio.Event()
    if supervised:
        stop_on_stdin_eof(stop)
    sock = bind_socket(settings.server.host, settings.server.port)
    try:
        async with database(loaded, environ, lambda stage: report({"stage": stage})) as urls:
            report({"stage": "Checking the schema"})
            scripts: list[ScriptResult] = []
            login = await _bootstrap(urls, scripts)
            await _warn_of_broken_names(urls, login)
            context = ServerContext(settings, urls.pool, login, environ)
            if settings.server.workers > 1:
                await _serve_with_workers(context, sock, scripts, report, stop)
            else:
                context.runtime.metrics.count_scripts(scripts)
                await serve(context, sock, lambda url, parts: _on_ready(report, url, parts), stop)
    except OutdatedDatabase as error:
        raise DatabaseNotUsable(_outdated(loaded, environ)) from error
    finally:
        sock.close()


def _outdated(loaded: LoadedSettings, environ: Mapping[str, str]) -> str:
    """Return what to do about a database that a development version created."""
    if loaded.settings.db.url:
        remedy = "name an empty database in db.url, or drop the schema rustygpt with all its data"
    else:
        folder = data_folder(loaded.settings, environ) / "postgres"
        remedy = f"name another folder with --data-dir, or remove {folder} with all its data"
    return (
        "A development version before 0.1.0 created this database, which cannot be upgraded: "
        f"{remedy}."
    )


@asynccontextmanager
async def database(
    loaded: LoadedSettings, environ: Mapping[str, str], progress: Callable[[str], None]
) -> AsyncIterator[DatabaseUrls]:
    """Yield the URLs of the settings' database, or of the embedded one, which is started."""
    db = loaded.settings.db
    if db.url:
        yield DatabaseUrls(db.url, db.owner_url)
        return
    from rustygpt_server.db import embedded

    folder = data_folder(loaded.settings, environ)
    running = await embedded.start(folder, progress)
    try:
        yield DatabaseUrls(running.url, None)
    finally:
        await running.stop()


async def _serve_with_workers(
    context: ServerContext,
    sock: socket.socket,
    scripts: list[ScriptResult],
    report: Report,
    stop: asyncio.Event,
) -> None:
    from rustygpt_server.app import supervisor

    with supervisor.metrics_folder() as folder:
        worker_config = WorkerConfig(
            settings=context.settings,
            pool_url=context.pool_url,
            user=context.pool_login.user,
            password=context.pool_login.password,
            setup_token=context.setup_token,
            socket=sock.fileno(),
            metrics_folder=folder,
            scripts=scripts,
        )
        workers = supervisor.WorkerSupervisor(
            worker_config, context.settings.server.workers, context.runtime.clock
        )
        token = context.setup_token
        await workers.serve(
            lambda is_setup: _report_ready(report, socket_url(sock), None if is_setup else token),
            stop,
        )


async def _bootstrap(urls: DatabaseUrls, scripts: list[ScriptResult]) -> PoolLogin:
    """Apply the scripts and record their results; wait up to 20 s for an unavailable database."""
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


async def _warn_of_broken_names(urls: DatabaseUrls, login: PoolLogin) -> None:
    db = await Database.connect(urls.pool, user=login.user, password=login.password, size=1)
    try:
        await warn_of_broken_names(db)
    finally:
        await db.close()


def _on_ready(report: Report, url: str, components: Components) -> None:
    _report_ready(report, url, None if components.is_setup else components.context.setup_token)


def _report_ready(report: Report, url: str, setup_token: str | None) -> None:
    if setup_token:
        report({"setup_token": setup_token})
    report({"ready": url})


def _report_json(progress: dict[str, str]) -> None:
    with suppress(BrokenPipeError):
        print(json.dumps(progress), flush=True)


def _report_text(progress: dict[str, str]) -> None:
    templates = {
        "stage": "{} …",
        "ready": "Ready: {}",
        "failed": "The server cannot start: {}",
        "setup_token": "The server is not set up yet. From another machine, set-up needs this: {}",
    }
    for kind, text in progress.items():
        print(templates[kind].format(text), file=sys.stderr, flush=True)
