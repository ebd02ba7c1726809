"""A real server in a process of its own, that a test may kill and start again."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

COMMAND = (sys.executable, "-c", "from rustygpt_tui.cli import main; main()")


class ServerProcess:
    """`rustygpt serve` on one database and one port, start after start."""

    def __init__(self, environ: dict[str, str], log: Path) -> None:
        self._environ = environ
        self._log = log
        self._process: Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.stages: list[str] = []

    def clone(self) -> "ServerProcess":
        """One more process with the same settings, on a port of its own."""
        return ServerProcess(self._environ, self._log)

    @property
    def pid(self) -> int:
        """The process that serves."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """What it has written to standard error since its first start."""
        return self._log.read_text("utf-8")

    async def start(self, seconds: float = 60) -> None:
        """Start, and wait until it is ready."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(*COMMAND, "serve", "--supervised", "--port", str(self.port)),
                stdin=PIPE,
                stdout=PIPE,
                stderr=log,
                env=self._environ,
                start_new_session=True,  # so that a signal to its group is its own
            )
        async with asyncio.timeout(seconds):
            await self._wait_until_ready(self._process)

    async def _wait_until_ready(self, process: Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            told = json.loads(line)
            self.stages += [told["stage"]] if "stage" in told else []
            assert "failed" not in told, told
            if "ready" in told:
                return
        raise AssertionError(f"the server ended while it started; see {self._log}")

    async def kill(self) -> None:
        """End it the hard way."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """End it as an operator does; answers its exit code."""
        return await self._end(signal.SIGTERM)

    async def wait(self) -> int:
        """Wait for its end, which somebody else has brought about; answers its exit code."""
        process, self._process = self._process, None
        return 0 if process is None else await asyncio.wait_for(process.wait(), 20)

    async def _end(self, number: signal.Signals) -> int:
        process = self._process
        if process is None:
            return 0
        if process.returncode is None:
            process.send_signal(number)
        self._process = None
        # stdin goes with the transport; an end of it would be a second way to stop
        return await asyncio.wait_for(process.wait(), 20)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def plain_environ() -> dict[str, str]:
    """This process's environment without what would set up a server."""
    own = ("RUSTYGPT_", "OPENAI_", "DATABASE_URL")
    return {name: value for name, value in os.environ.items() if not name.startswith(own)}


@asynccontextmanager
async def server_process(
    tmp_path: Path, database_url: str, **more: str
) -> AsyncIterator[ServerProcess]:
    """A started server; `more` are further variables of its environment."""
    own = {"DATABASE_URL": database_url, "RUSTYGPT_CONFIG_DIR": str(tmp_path)}
    environ = {**plain_environ(), **own, **more}
    server = ServerProcess(environ, tmp_path / "server.log")
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
