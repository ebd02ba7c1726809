"""The server behind `rustygpt --local`: one that already runs, or one started as a child process.

The child reports its progress as JSON lines on standard output, and exits when its standard input
is closed, so it never outlives the terminal.
"""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from rustygpt_tui import locations
from rustygpt_tui.client.cookies import is_loopback, origin_of
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.printable import one_line
from rustygpt_tui.client.session import Session
from rustygpt_tui.errors import ClientError, TimedOut, Unreachable, UsageError

START_SECONDS = 180.0
STOP_SECONDS = 12.0
PROBE_SECONDS = 3.0
MAX_MISSED_PROBES = 3
"""How many probes another terminal's server may miss, for example while it restarts."""
RESTART_SECONDS = 0.5
_PROGRAM = "from rustygpt_tui.cli import main; main()"


@asynccontextmanager
async def local_server(
    on_progress: Callable[[str], None],
    *,
    preferred_url: str = "http://127.0.0.1:8080",
    arguments: Sequence[str] = (),
    command: Sequence[str] | None = None,
) -> AsyncIterator[str]:
    """Yield the origin of a server on this machine that runs as long as the block.

    A server that already answers at `preferred_url` is used, and left running afterwards. When the
    server dies or is stopped, it is started again at the same address. `on_progress` is called
    with text for a person; `arguments` are passed to `serve`; `command` replaces
    `rustygpt serve --supervised`. Raises ClientError with the reason when no server starts.
    """
    origin = origin_of(preferred_url)
    if not is_loopback(origin):
        raise UsageError(
            f"{origin} is not on this machine, so the server cannot be started; "
            "leave out --local, or set `cli.server` to http://127.0.0.1:8080."
        )
    serve = command or (sys.executable, "-c", _PROGRAM, "serve", "--supervised")
    supervisor = _ServerSupervisor(origin, (*serve, *arguments), on_progress)
    try:
        if not await is_reachable(origin):
            await supervisor.start(0 if await _port_in_use(origin) else urlsplit(origin).port or 80)
        supervising = asyncio.create_task(supervisor.supervise())
        try:
            yield supervisor.origin
        finally:
            supervising.cancel()
            await asyncio.gather(supervising, return_exceptions=True)
    finally:
        await asyncio.shield(supervisor.stop())


class _ServerSupervisor:
    """Starts the child process, and restarts it when it ends."""

    def __init__(
        self, origin: str, serve: Sequence[str], on_progress: Callable[[str], None]
    ) -> None:
        self.origin = origin
        self._serve = serve
        self._on_progress = on_progress
        self._child: Process | None = None

    async def start(self, port: int) -> None:
        """Start a child; raise ClientError when it does not become ready."""
        self._on_progress("Starting a server …")
        with _log() as log:
            self._child = await asyncio.create_subprocess_exec(
                *self._serve,
                "--port",
                str(port),
                stdin=PIPE,
                stdout=PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C must reach the terminal only
            )
        self.origin = await _wait_until_ready(self._child, self._on_progress)

    async def supervise(self) -> None:
        """Restart the server whenever it is gone, until this is cancelled."""
        while True:
            await self._wait_until_gone()
            with suppress(ClientError, OSError):
                await self.start(urlsplit(self.origin).port or 80)

    async def _wait_until_gone(self) -> None:
        """Wait until the child ends, or until another terminal's server misses three probes."""
        if self._child is not None:
            await _drain(self._child)
            await self._child.wait()
            await asyncio.sleep(RESTART_SECONDS)
            return
        missed = 0
        while missed < MAX_MISSED_PROBES:
            await asyncio.sleep(PROBE_SECONDS)
            missed = 0 if await is_reachable(self.origin) else missed + 1

    async def stop(self) -> None:
        """Stop the child, if there is one."""
        if self._child is not None:
            await _stop(self._child)


def log_file() -> Path:
    """Return the path of the child's log, which is overwritten at each start."""
    return locations.state_folder() / "server.log"


async def is_reachable(origin: str) -> bool:
    """Return True when a RustyGPT server answers at `origin`, ready or still starting."""
    async with Client(Session(origin), response_timeout=PROBE_SECONDS) as client:
        try:
            await client.readyz()
        except ClientError:
            return False
    return True


async def _port_in_use(origin: str) -> bool:
    parts = urlsplit(origin)
    try:
        _, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    except OSError:
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True


async def _wait_until_ready(child: Process, on_progress: Callable[[str], None]) -> str:
    """Return the origin that the child reports; raise ClientError when it does not start."""
    try:
        async with asyncio.timeout(START_SECONDS):
            return await _read_progress(child, on_progress)
    except TimeoutError:
        raise TimedOut(
            f"The server did not start within {START_SECONDS:.0f} seconds; "
            f"see {log_file()} for the reason."
        ) from None


async def _read_progress(child: Process, on_progress: Callable[[str], None]) -> str:
    if child.stdout is None:
        raise Unreachable("The server has no output to read; run `rustygpt serve` instead.")
    async for line in child.stdout:
        report = _parse_progress(line)
        if "ready" in report:
            return origin_of(report["ready"])
        if "failed" in report:
            raise ClientError(report["failed"])
        if "stage" in report:
            on_progress(report["stage"])
    raise ClientError(f"The server ended before it was ready; see {log_file()} for the reason.")


async def _drain(child: Process) -> None:
    """Read and discard the child's output, so that its pipe never fills up."""
    while child.stdout and await child.stdout.read(4_096):
        pass


def _log() -> BinaryIO:
    path = log_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o600), "wb")


def _parse_progress(line: bytes) -> dict[str, str]:
    """Return the report in a line; one of the keys `stage`, `ready` and `failed` is expected."""
    try:
        report = json.loads(line)
    except ValueError:
        return {}
    if not isinstance(report, dict):
        return {}
    return {str(key): one_line(str(value)) for key, value in report.items()}


async def _stop(child: Process) -> None:
    """Close the child's input and wait for its end; kill it after 12 s."""
    if child.stdin:
        child.stdin.close()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await child.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()
