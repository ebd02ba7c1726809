"""Where PostgreSQL's programs are, and their copy."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.database.databases import short_folder

from rustygpt_server.db import embedded
from rustygpt_server.db.embedded import binaries, folders


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that does not exist yet."""
    place = short_folder()
    yield place
    shutil.rmtree(place, ignore_errors=True)


async def test_programs_are_copied_where_they_can_be_reached(folder: Path) -> None:
    """A copy of the programs in the data folder makes and serves a database."""
    home = folder / "postgres"
    owner = folders.owner_of(home)
    folders.make_private(home, owner)
    installed: Any = binaries._installed()
    version = max(installed, key=int)
    copied = binaries._copied(installed[version], home, version)
    assert binaries._copied(installed[version], home, version) == copied
    initdb = await asyncio.create_subprocess_exec(
        str(copied / "initdb"),
        *("--pgdata", str(home / "data"), "--no-sync"),
        cwd=home,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        **({"user": owner.uid, "group": owner.gid} if owner.switch else {}),
    )
    _, errors = await initdb.communicate()
    assert initdb.returncode == 0, errors.decode()
    assert binaries.find(home, owner).joinpath("postgres").exists()


def test_data_of_another_version_are_told(folder: Path) -> None:
    """Data of a PostgreSQL that is not installed are left alone, with a way out."""
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "PG_VERSION").write_text("12\n")
    with pytest.raises(embedded.EmbeddedError, match="PostgreSQL 12"):
        binaries.find(folder, folders.owner_of(folder))
