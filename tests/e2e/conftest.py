"""Fixtures of end-to-end tests: a real server on a database of its own."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.database import databases
from tests.support.servers.server_process import ServerProcess, server_process


@pytest.fixture
async def real_server(tmp_path: Path, cluster_url: str) -> AsyncIterator[ServerProcess]:
    """A server in a process of its own, not set up yet, with the demo assistant."""
    url = await databases.create(cluster_url)
    more = {"RUSTYGPT__LLM__DEFAULT_MODEL": "demo", "RUSTYGPT_PROFILE": "test"}
    async with server_process(tmp_path, url, **more) as running:
        yield running
    await asyncio.sleep(0)
    await databases.drop(cluster_url, url)
