"""Fixtures of the tests of the embedded PostgreSQL."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.database.databases import short_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a path where no folder exists yet; delete it after the test."""
    path = short_folder()
    yield path
    shutil.rmtree(path, ignore_errors=True)
