"""Where PostgreSQL's programs are, and their copy in the data folder."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from rustygpt_server.db import embedded
from rustygpt_server.db.embedded import binaries, folders
from rustygpt_server.db.embedded.owned_folder import OwnedFolder


async def test_copied_programs_create_a_database(folder: Path) -> None:
    """A copy of the programs in the data folder initializes a cluster."""
    home = folder / "postgres"
    owner = folders.owner_of(home)
    folders.make_private(home, owner)
    installed: Any = binaries.installed_versions()
    version = max(installed, key=int)
    files = OwnedFolder(home, owner)
    copy = binaries._copied(installed[version], files, version)
    assert binaries._copied(installed[version], files, version) == copy
    initdb = await asyncio.create_subprocess_exec(
        str(copy / "initdb"),
        "--pgdata",
        str(home / "data"),
        "--no-sync",
        cwd=home,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        **({"user": owner.uid, "group": owner.gid} if owner.switch else {}),
    )
    _, errors = await initdb.communicate()
    assert initdb.returncode == 0, errors.decode()
    assert binaries.find(files, owner).joinpath("postgres").exists()


def test_data_of_a_missing_version_are_an_error(folder: Path) -> None:
    """The data stay as they are, and the message names the version to install."""
    home = folder / "postgres"
    owner = folders.owner_of(home)
    for created in (home, home / "data"):
        folders.make_private(created, owner)
    OwnedFolder(home / "data", owner).write_text("PG_VERSION", "12\n")
    with pytest.raises(embedded.EmbeddedError, match="PostgreSQL 12"):
        binaries.find(OwnedFolder(home, owner), owner)
