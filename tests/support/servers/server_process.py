"""A real server in a process of its own, which a test may kill and start again.

Servers within the test's process are in `in_process_server`, several processes in `clusters`.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

from tests.support.database import databases

COMMAND: Final = (sys.executable, "-c", "from rustygpt_tui.cli import main; main()")
"""Runs `rustygpt` with the arguments that follow."""
_END_SECONDS: Final = 60
UNLIMITED: Final = {"RUSTYGPT__RATE_LIMITS__ENABLED": "false"}
"""For servers of tests: all users have one address, and programs post faster than people."""


class ServerProcess:
    """`rustygpt serve` on one database and one port, start after start."""

    def __init__(self, environ: dict[str, str], log: Path) -> None:
        self._environ = environ
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.stages: list[str] = []
        """The stages that the server has reported while it started."""

    def clone(self) -> "ServerProcess":
        """Return one more server with the same settings, on another port."""
        return ServerProcess(self._environ, self._log)

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """What the server has written to standard error since its first start."""
        return self._log.read_text("utf-8")

    async def start(self, seconds: float = 60) -> None:
        """Start the server, and wait until it is ready."""
        await asyncio.to_thread(self.start_blocking, seconds)

    def start_blocking(self, seconds: float = 60) -> None:
        """Start the server, and wait until it is ready; for fixtures without an event loop."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*COMMAND, "serve", "--supervised", "--port", str(self.port)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._environ,
                start_new_session=True,  # so that a signal to its group reaches nothing else
            )
        timer = threading.Timer(seconds, self._process.kill)
        timer.start()
        try:
            self._wait_until_ready(self._process)
        finally:
            timer.cancel()

    def _wait_until_ready(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            progress = json.loads(line)
            self.stages += [progress["stage"]] if "stage" in progress else []
            assert "failed" not in progress, progress
            if "ready" in progress:
                return
        raise AssertionError(f"the server ended while it started; see {self._log}")

    async def kill(self) -> None:
        """Kill the server with SIGKILL."""
        await asyncio.to_thread(self._end, signal.SIGKILL)

    async def stop(self) -> int:
        """Stop the server with SIGTERM; return its exit code."""
        return await asyncio.to_thread(self.stop_blocking)

    def stop_blocking(self) -> int:
        """Stop the server with SIGTERM; return its exit code."""
        return self._end(signal.SIGTERM)

    async def wait(self) -> int:
        """Wait for the end of a server that something else has ended; return its exit code."""
        return await asyncio.to_thread(self._end, None)

    def _end(self, number: signal.Signals | None) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        if number is not None and process.poll() is None:
            process.send_signal(number)
        try:
            # The pipes close afterwards: the end of its input would be a second way to stop it.
            return process.wait(_END_SECONDS)
        finally:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def plain_environ() -> dict[str, str]:
    """Return this process's environment without the variables that configure a server."""
    prefixes = ("RUSTYGPT_", "OPENAI_", "DATABASE_URL")
    return {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}


def _server(folder: Path, database_url: str, variables: dict[str, str]) -> ServerProcess:
    environ = {
        **plain_environ(),
        "DATABASE_URL": database_url,
        "RUSTYGPT_CONFIG_DIR": str(folder),
        **UNLIMITED,
        **variables,
    }
    return ServerProcess(environ, folder / "server.log")


@asynccontextmanager
async def server_process(
    tmp_path: Path, database_url: str, **variables: str
) -> AsyncIterator[ServerProcess]:
    """Yield a started server; `variables` are added to its environment."""
    server = _server(tmp_path, database_url, variables)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def server_on_new_database(
    tmp_path: Path, cluster_url: str, **variables: str
) -> AsyncIterator[ServerProcess]:
    """Yield a started server on a database that is dropped afterwards."""
    url = await databases.create(cluster_url)
    async with server_process(tmp_path, url, RUSTYGPT_PROFILE="test", **variables) as running:
        yield running
    await databases.drop(cluster_url, url)


@contextmanager
def blocking_server_process(folder: Path, cluster_url: str) -> Iterator[str]:
    """Yield the URL of a server on a new database, for fixtures without an event loop."""
    database_url = asyncio.run(databases.create(cluster_url))
    server = _server(folder, database_url, {"RUSTYGPT_PROFILE": "test"})
    try:
        server.start_blocking()
        yield server.url
    finally:
        server.stop_blocking()
        asyncio.run(databases.drop(cluster_url, database_url))
