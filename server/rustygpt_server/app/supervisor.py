"""The parent of several workers on one socket: starts, restarts and stops them.

The parent serves no requests. It holds the socket, so that connections that arrive while a worker
restarts wait in the socket's queue instead of being refused.
"""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from msgspec.structs import replace
from prometheus_client import multiprocess

from rustygpt_server.app.run import install_signal_handlers
from rustygpt_server.app.worker_protocol import WorkerConfig, WorkerStatus, decode_status, encode
from rustygpt_server.clock import Clock
from rustygpt_server.errors import StartupError
from rustygpt_server.telemetry import FOLDER_VARIABLE, log

_log = log(__name__)

_PROGRAM: Final = "from rustygpt_server.app.worker import main; main()"
_STOP_SECONDS: Final = 9.0
"""Workers that take longer are killed: the whole shutdown has 10 s."""
_MIN_BACKOFF: Final = 0.1
_MAX_BACKOFF: Final = 10.0
_STABLE_AFTER_SECONDS: Final = 30.0
"""A worker that ran for this long is restarted without delay."""
_DIED_AT_START: Final = WorkerStatus(failed="A worker ended while it started; its log says why.")


@contextmanager
def metrics_folder() -> Iterator[str]:
    """Yield a private folder for the workers' metrics."""
    folder = tempfile.mkdtemp(prefix="rustygpt-metrics-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class WorkerSupervisor:
    """The workers of one server."""

    def __init__(self, worker_config: WorkerConfig, count: int, clock: Clock) -> None:
        self._config = worker_config
        self._count = count
        self._clock = clock
        self._workers: dict[int, Process] = {}
        self._ready: set[int] = set()
        self._all_ready = asyncio.Event()
        self._is_setup = True
        self._failed: str | None = None
        self._stop = asyncio.Event()

    async def serve(self, on_ready: Callable[[bool], None], stop: asyncio.Event) -> None:
        """Serve until `stop` is set; call `on_ready` once, with whether the server has been set up.

        Raises StartupError with a worker's own message when one cannot start.
        """
        self._stop = stop
        install_signal_handlers(lambda _: stop.set())
        supervisors = [asyncio.create_task(self._supervise(index)) for index in range(self._count)]
        reporting = asyncio.create_task(self._report_ready(on_ready))
        try:
            await stop.wait()
        finally:
            reporting.cancel()
            await self._stop_all()
            await asyncio.gather(*supervisors, reporting, return_exceptions=True)
        if self._failed:
            raise StartupError(self._failed)

    async def _report_ready(self, on_ready: Callable[[bool], None]) -> None:
        await self._all_ready.wait()
        on_ready(self._is_setup)

    async def _supervise(self, index: int) -> None:
        """Start the worker of one index, and restart it with exponential backoff when it ends."""
        backoff = _MIN_BACKOFF
        worker_config = self._config
        if index:
            worker_config = replace(worker_config, scripts=[])
        while not self._stop.is_set():
            since = self._clock.monotonic()
            process = await self._start(index, worker_config)
            code = await process.wait()
            multiprocess.mark_process_dead(process.pid, worker_config.metrics_folder)  # type: ignore[no-untyped-call]
            worker_config = replace(worker_config, scripts=[])
            if self._stop.is_set():
                return
            _log.error("a worker ended and is restarted", pid=process.pid, code=code)
            stable = self._clock.monotonic() - since >= _STABLE_AFTER_SECONDS
            backoff = _MIN_BACKOFF if stable else min(backoff * 2, _MAX_BACKOFF)
            await self._backoff(backoff)

    async def _backoff(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()

    async def _start(self, index: int, worker_config: WorkerConfig) -> Process:
        """Start a worker and wait for its status: ready or failed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _PROGRAM,
            stdin=PIPE,
            stdout=PIPE,
            env={**os.environ, FOLDER_VARIABLE: worker_config.metrics_folder},
            pass_fds=(worker_config.socket,),
            start_new_session=True,  # Ctrl-C of a terminal goes to the parent only
        )
        self._workers[index] = process
        if process.stdin is None or process.stdout is None:
            raise StartupError("A worker has no pipes.")
        with suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(encode(worker_config))
            await process.stdin.drain()
        line = await process.stdout.readline()
        self._on_status(index, decode_status(line) if line else _DIED_AT_START)
        if self._stop.is_set():
            _signal(process, signal.SIGTERM)
        return process

    def _on_status(self, index: int, status: WorkerStatus) -> None:
        if status.ready:
            self._ready.add(index)
            self._is_setup = self._is_setup and status.is_setup
            if len(self._ready) == self._count:
                self._all_ready.set()
        elif not self._all_ready.is_set() and not self._stop.is_set():
            self._failed = status.failed
            self._stop.set()

    async def _stop_all(self) -> None:
        workers = list(self._workers.values())
        for process in workers:
            _signal(process, signal.SIGTERM)
        exits = [asyncio.create_task(process.wait()) for process in workers]
        if exits:
            _, running = await asyncio.wait(exits, timeout=_STOP_SECONDS)
            if running:
                _log.error("workers did not end in time and are killed", count=len(running))
        for process in workers:
            _signal(process, signal.SIGKILL)


def _signal(process: Process, number: signal.Signals) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.send_signal(number)
