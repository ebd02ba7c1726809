"""Fixtures of end-to-end tests: a real server on a database of its own, and folders of clients."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.servers.server_process import ServerProcess, server_on_new_database


@pytest.fixture
async def real_server(tmp_path: Path, cluster_url: str) -> AsyncIterator[ServerProcess]:
    """A server in a process of its own, not set up yet, with the demo assistant."""
    more = {"RUSTYGPT__LLM__DEFAULT_MODEL": "demo"}
    async with server_on_new_database(tmp_path, cluster_url, **more) as running:
        yield running


@pytest.fixture
def client_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let clients in the test's process have their files in folders of their own."""
    for kind in ("CONFIG", "STATE", "CACHE", "DATA"):
        monkeypatch.setenv(f"RUSTYGPT_{kind}_DIR", str(tmp_path / kind.lower()))
