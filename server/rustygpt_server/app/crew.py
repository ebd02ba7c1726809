"""Several workers on one socket: started, started again when they die, and stopped in good order.

The parent serves nothing itself. It holds the socket, so that clients who come while a worker
starts again wait for it instead of being refused.
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

from rustygpt_server.app.orders import News, Orders, encode, read_news
from rustygpt_server.app.run import stop_when_told
from rustygpt_server.clock import Clock
from rustygpt_server.errors import StartFailed
from rustygpt_server.telemetry import FOLDER_VARIABLE, log

_log = log(__name__)

_PROGRAM: Final = "from rustygpt_server.app.worker import main; main()"
_STOP_SECONDS: Final = 9.0
"""Workers that take longer are killed: the whole has ten seconds."""
_FIRST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 10.0
_STEADY_SECONDS: Final = 30.0
"""A worker that lived so long is started again without delay."""
_ENDED: Final = News(failed="A worker ended while it started; its log says why.")


@contextmanager
def metrics_folder() -> Iterator[str]:
    """A private folder for the workers' metrics."""
    folder = tempfile.mkdtemp(prefix="rustygpt-metrics-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Crew:
    """The workers of one server."""

    def __init__(self, orders: Orders, count: int, clock: Clock) -> None:
        self._orders = orders
        self._count = count
        self._clock = clock
        self._workers: dict[int, Process] = {}
        self._ready: set[int] = set()
        self._all_ready = asyncio.Event()
        self._is_setup = True
        self._failed: str | None = None
        self._stop = asyncio.Event()

    async def serve(self, on_ready: Callable[[bool], None], stop: asyncio.Event) -> None:
        """Serve until told to stop; `on_ready` is told once whether the server is set up.

        Raises StartFailed with a worker's own words when one cannot start at all.
        """
        self._stop = stop
        stop_when_told(stop)
        keepers = [asyncio.create_task(self._keep(place)) for place in range(self._count)]
        telling = asyncio.create_task(self._tell_ready(on_ready))
        try:
            await stop.wait()
        finally:
            telling.cancel()
            await self._stop_all()
            await asyncio.gather(*keepers, telling, return_exceptions=True)
        if self._failed:
            raise StartFailed(self._failed)

    async def _tell_ready(self, on_ready: Callable[[bool], None]) -> None:
        await self._all_ready.wait()
        on_ready(self._is_setup)

    async def _keep(self, place: int) -> None:
        """Keep one worker's place filled."""
        wait, orders = _FIRST_WAIT, self._orders
        if place:
            orders = replace(orders, scripts=[])
        while not self._stop.is_set():
            since = self._clock.monotonic()
            process = await self._start(place, orders)
            code = await process.wait()
            multiprocess.mark_process_dead(process.pid, orders.metrics_folder)  # type: ignore[no-untyped-call]
            orders = replace(orders, scripts=[])
            if self._stop.is_set():
                return
            _log.error("a worker ended and is started again", pid=process.pid, code=code)
            steady = self._clock.monotonic() - since >= _STEADY_SECONDS
            wait = _FIRST_WAIT if steady else min(wait * 2, _LONGEST_WAIT)
            await self._pause(wait)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()

    async def _start(self, place: int, orders: Orders) -> Process:
        """Start a worker and hear what it says until it serves or ends."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _PROGRAM),
            stdin=PIPE,
            stdout=PIPE,
            env={**os.environ, FOLDER_VARIABLE: orders.metrics_folder},
            pass_fds=(orders.socket,),
            start_new_session=True,  # a terminal's Ctrl-C is the parent's to hand on
        )
        self._workers[place] = process
        if process.stdin is None or process.stdout is None:
            raise StartFailed("A worker has no pipes.")
        with suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(encode(orders))
            await process.stdin.drain()
        line = await process.stdout.readline()
        self._hear(place, read_news(line) if line else _ENDED)
        if self._stop.is_set():
            _signal(process, signal.SIGTERM)
        return process

    def _hear(self, place: int, news: News) -> None:
        if news.ready:
            self._ready.add(place)
            self._is_setup = self._is_setup and news.is_setup
            if len(self._ready) == self._count:
                self._all_ready.set()
        elif not self._all_ready.is_set() and not self._stop.is_set():
            self._failed = news.failed
            self._stop.set()

    async def _stop_all(self) -> None:
        workers = list(self._workers.values())
        for process in workers:
            _signal(process, signal.SIGTERM)
        ending = [asyncio.create_task(process.wait()) for process in workers]
        if ending:
            _, late = await asyncio.wait(ending, timeout=_STOP_SECONDS)
            if late:
                _log.error("workers did not end in time and are killed", count=len(late))
        for process in workers:
            _signal(process, signal.SIGKILL)


def _signal(process: Process, number: signal.Signals) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.send_signal(number)
