"""A server of one's own for `rustygpt --local`: use the one that runs, or start one as a child.

The child tells in JSON lines on its standard output how far it is, and ends by itself when its
standard input closes, so that it never outlives the terminal.
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
"""So often a server of somebody else may be away, as when it is started again."""
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
    """The origin of a server on this machine, which runs as long as the block does.

    One that answers at `wanted` already is used and left running. One that dies, or that somebody
    else ends, is started again at the same address. `on_progress` is called with words for a
    person; `arguments` go to `serve`; `command` takes the place of `rustygpt serve --supervised`.
    Raises Failure with the reason when none comes up.
    """
    origin = origin_of(preferred_url)
    if not is_loopback(origin):
        raise UsageError(
            f"{origin} is not on this machine, so no server can be started there; "
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
    """Starts the child, and starts it again when it is gone."""

    def __init__(
        self, origin: str, serve: Sequence[str], on_progress: Callable[[str], None]
    ) -> None:
        self.origin = origin
        self._serve = serve
        self._on_progress = on_progress
        self._child: Process | None = None

    async def start(self, port: int) -> None:
        """Start a child; raises Failure when it does not come up."""
        self._on_progress("Starting a server …")
        with _log() as log:
            self._child = await asyncio.create_subprocess_exec(
                *(*self._serve, "--port", str(port)),
                stdin=PIPE,
                stdout=PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the terminal alone
            )
        self.origin = await _wait_until_ready(self._child, self._on_progress)

    async def supervise(self) -> None:
        """See to it that a server stays at the origin, until this is cancelled."""
        while True:
            await self._wait_until_gone()
            with suppress(ClientError, OSError):
                await self.start(urlsplit(self.origin).port or 80)

    async def _wait_until_gone(self) -> None:
        """Wait for the child's end, or until a server of somebody else stays away."""
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
        """End the child, if there is one."""
        if self._child is not None:
            await _stop(self._child)


def log_file() -> Path:
    """Where the server of one's own writes its log, anew with each start."""
    return locations.state_folder() / "server.log"


async def is_reachable(origin: str) -> bool:
    """Whether a RustyGPT server listens at `origin`, ready or still starting."""
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
    """The origin the child tells; raises Failure when it fails, ends or takes too long."""
    try:
        async with asyncio.timeout(START_SECONDS):
            return await _read_progress(child, on_progress)
    except TimeoutError:
        raise TimedOut(
            f"The server did not start within {START_SECONDS:.0f} seconds; "
            f"see {log_file()} for why."
        ) from None


async def _read_progress(child: Process, on_progress: Callable[[str], None]) -> str:
    if child.stdout is None:
        raise Unreachable("The server has no output to read; run `rustygpt serve` instead.")
    async for line in child.stdout:
        told = _parse_progress(line)
        if "ready" in told:
            return origin_of(told["ready"])
        if "failed" in told:
            raise ClientError(told["failed"])
        if "stage" in told:
            on_progress(told["stage"])
    raise ClientError(f"The server ended before it was ready; see {log_file()} for why.")


async def _drain(child: Process) -> None:
    """Read what the child still writes, so that it never waits for us."""
    while child.stdout and await child.stdout.read(4_096):
        pass


def _log() -> BinaryIO:
    path = log_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o600), "wb")


def _parse_progress(line: bytes) -> dict[str, str]:
    try:
        told = json.loads(line)
    except ValueError:
        return {}
    if not isinstance(told, dict):
        return {}
    return {str(key): one_line(str(value)) for key, value in told.items()}


async def _stop(child: Process) -> None:
    """Close the child's input, and wait; a child that does not end is killed."""
    if child.stdin:
        child.stdin.close()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await child.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()
