"""The embedded PostgreSQL: a supervisor of the server programs that come in a wheel.

    <folder>/postgres/            0700, owned by the user that PostgreSQL runs as
        data/ socket/             the cluster, its socket (elsewhere when the path is long)
        logs/ log                 its log, and what it wrote before that was open
        password                  0600, of the superuser
        lock holders              the processes that use it: the last living one stops it

No TCP, passwords are checked (SCRAM), and no existing folder's mode is ever changed.
"""

import asyncio
import errno
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

from rustygpt_server.db.embedded import binaries, folders, holders, logs, postmaster
from rustygpt_server.db.embedded.folders import has_space
from rustygpt_server.db.embedded.owned_folder import EmbeddedError, OwnedFolder
from rustygpt_server.db.embedded.postmaster import Cluster
from rustygpt_server.telemetry import log

__all__ = ["FOLDER_FOR_ROOT", "EmbeddedError", "EmbeddedPostgres", "has_space", "start"]

FOLDER_FOR_ROOT: Final = Path("/var/lib/rustygpt")
"""The default data folder when root starts the server."""

_PRUNE_SECONDS: Final = 5.0
_log = log(__name__)

Progress = Callable[[str], None]
"""Called with a short description of each step, as the step begins."""


class EmbeddedPostgres:
    """An embedded PostgreSQL that this process uses."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._holder = True
        self._pruning: asyncio.Task[None] | None = None
        password = cluster.password
        self.url = (
            f"postgresql://{postmaster.SUPERUSER}:{password}@/{postmaster.DATABASE}"
            f"?host={quote(str(cluster.sockets), safe='')}"
        )
        """The database as its owner. A secret."""

    def bound_log(self) -> None:
        """Delete old log files regularly until it is released."""
        self._pruning = asyncio.create_task(self._prune_log())

    async def _prune_log(self) -> None:
        while True:
            await asyncio.sleep(_PRUNE_SECONDS)
            try:
                await asyncio.to_thread(logs.prune, self._cluster.home)
            except OSError as error:  # tried again; the database goes on
                _log.warning("PostgreSQL's log files cannot be deleted", reason=str(error))

    async def stop(self) -> None:
        """Release it; the last living holder stops PostgreSQL. A second call does nothing."""
        if self._pruning:
            self._pruning.cancel()
        if self._holder:
            self._holder = False
            await asyncio.to_thread(_release, self._cluster)


async def start(folder: Path, progress: Progress = lambda _stage: None) -> EmbeddedPostgres:
    """Create the database in a folder if there is none; start it, or use the one that runs.

    Raises EmbeddedError with one sentence when that is impossible. When this is cancelled, what was
    started is stopped again.
    """
    starting = asyncio.ensure_future(asyncio.to_thread(_start, folder, progress))
    try:
        postgres = await asyncio.shield(starting)
    except asyncio.CancelledError:
        with suppress(EmbeddedError):
            await (await starting).stop()
        raise
    postgres.bound_log()
    return postgres


def _start(folder: Path, progress: Progress) -> EmbeddedPostgres:
    home = folder.absolute() / "postgres"
    try:
        return _start_in(home, progress)
    except (EmbeddedError, OSError) as error:
        if not has_space(home) or getattr(error, "errno", None) == errno.EDQUOT:
            raise EmbeddedError(
                f"PostgreSQL cannot write to {home}: the disk is full; "
                "free space there, and start again."
            ) from error
        raise


def _start_in(home: Path, progress: Progress) -> EmbeddedPostgres:
    owner = folders.owner_of(home)
    folders.make_private(home, owner)
    if not folders.may_reach(home, owner):
        raise EmbeddedError(
            f"PostgreSQL does not run as root, and the user {owner.uid} that it runs as may not "
            f"enter the folders above {home}; set db.data_dir to a folder that all may enter, "
            f"such as {FOLDER_FOR_ROOT}."
        )
    files = OwnedFolder(home, owner)
    with holders.locked(files):
        sockets = folders.socket_folder(home, owner)
        cluster = Cluster(home, sockets, binaries.find(files, owner), owner)
        if not files.has(cluster.data.name):
            progress("preparing the database")
            postmaster.initialise(cluster)
        if not postmaster.serves(cluster):
            progress("starting the database")
            postmaster.start(cluster)
        postmaster.create_database(cluster)
        holders.add(files)
        return EmbeddedPostgres(cluster)


def _release(cluster: Cluster) -> None:
    with holders.locked(cluster.files):
        if holders.remove(cluster.files):
            postmaster.stop(cluster)
