"""The embedded PostgreSQL: a supervisor of the server programs that come in a wheel.

    <folder>/postgres/            0700, owned by the user that PostgreSQL runs as
        data/ socket/ log         the cluster, its socket (elsewhere when the path is long), its log
        password                  0600, of the superuser
        lock holders              the processes that use it: the last living one stops it

No TCP, passwords are checked (SCRAM), and no existing folder's mode is ever changed.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote

from rustygpt_server.db.embedded import binaries, folders, holders, postmaster
from rustygpt_server.db.embedded.folders import EmbeddedError
from rustygpt_server.db.embedded.postmaster import Cluster

__all__ = ["FOLDER_FOR_ROOT", "EmbeddedError", "EmbeddedPostgres", "start"]

FOLDER_FOR_ROOT: Final = Path("/var/lib/rustygpt")
"""The default data folder when root starts the server."""

Progress = Callable[[str], None]
"""Called with a short description of each step, as the step begins."""


class EmbeddedPostgres:
    """An embedded PostgreSQL that this process uses."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._holder = True
        password = cluster.password_file.read_text("ascii")
        self.url = (
            f"postgresql://{postmaster.SUPERUSER}:{password}@/{postmaster.DATABASE}"
            f"?host={quote(str(cluster.sockets), safe='')}"
        )
        """The database as its owner. A secret."""

    async def stop(self) -> None:
        """Release it; the last living holder stops PostgreSQL. A second call does nothing."""
        if self._holder:
            self._holder = False
            await asyncio.to_thread(_release, self._cluster)


async def start(folder: Path, progress: Progress = lambda _stage: None) -> EmbeddedPostgres:
    """Create the database in a folder if there is none; start it, or use the one that runs.

    Raises EmbeddedError with one sentence when that is impossible.
    """
    return await asyncio.to_thread(_start, folder, progress)


def _start(folder: Path, progress: Progress) -> EmbeddedPostgres:
    home = folder.absolute() / "postgres"
    owner = folders.owner_of(home)
    folders.make_private(home, owner)
    if not folders.may_reach(home, owner):
        raise EmbeddedError(
            f"PostgreSQL does not run as root, and the user {owner.uid} that it runs as may not "
            f"enter the folders above {home}; set db.data_dir to a folder that all may enter, "
            f"such as {FOLDER_FOR_ROOT}."
        )
    with holders.locked(home):
        cluster = Cluster(
            home, folders.socket_folder(home, owner), binaries.find(home, owner), owner
        )
        if not cluster.data.exists():
            progress("preparing the database")
            postmaster.initialise(cluster)
        if not postmaster.serves(cluster):
            progress("starting the database")
            postmaster.start(cluster)
        postmaster.create_database(cluster)
        holders.add(home)
        return EmbeddedPostgres(cluster)


def _release(cluster: Cluster) -> None:
    with holders.locked(cluster.home):
        if holders.remove(cluster.home):
            postmaster.stop(cluster)
