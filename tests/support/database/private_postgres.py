"""A PostgreSQL of the test's own, which it can stop, kill and start again."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.support.database.databases import connected, short_folder

from rustygpt_server.db import embedded
from rustygpt_server.db.embedded import postmaster


class PrivatePostgres:
    """A cluster that a test may stop at any moment."""

    def __init__(self, running: embedded.EmbeddedPostgres) -> None:
        self._running = running
        self._cluster = running._cluster
        self.url = running.url

    @property
    def home(self) -> Path:
        """The folder of the cluster and its log."""
        return self._cluster.home

    @property
    def socket(self) -> Path:
        """The path of its Unix socket."""
        folder = parse_qs(urlsplit(self.url).query)["host"][0]
        return Path(folder) / ".s.PGSQL.5432"

    def through(self, port: int) -> str:
        """Return the URL of the same database through a proxy on this machine."""
        parts = urlsplit(self.url)
        login = parts.netloc.rpartition("@")[0]
        return f"postgresql://{login}@127.0.0.1:{port}{parts.path}?sslmode=disable"

    async def stop(self, signal_number: signal.Signals) -> None:
        """Stop the server: SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one."""
        pid = int(postmaster._pid_file(self._cluster)[0])
        os.kill(pid, signal_number)
        async with asyncio.timeout(60):
            while _is_alive(pid):
                await asyncio.sleep(0.01)

    async def start(self) -> None:
        """Start the server, and wait until it accepts connections."""
        await asyncio.to_thread(postmaster.start, self._cluster)

    async def set(self, **settings: str) -> None:
        """Change settings; some of them take effect at the next start."""
        async with connected(self.url) as connection:
            for name, value in settings.items():
                await connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
            await connection.execute("SELECT pg_reload_conf()")

    async def close(self) -> None:
        """Stop the server for good."""
        if postmaster.serves(self._cluster):
            await self._running.stop()


@asynccontextmanager
async def private_postgres(**settings: str) -> AsyncIterator[PrivatePostgres]:
    """Run a PostgreSQL whose settings are in effect from its start."""
    folder = short_folder()
    postgres = PrivatePostgres(await embedded.start(folder))
    try:
        if settings:
            await postgres.set(**settings)
            await postgres.stop(signal.SIGINT)
            await postgres.start()
        yield postgres
    finally:
        await postgres.close()
        shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
