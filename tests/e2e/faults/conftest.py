"""What all tests of faults start from: databases of their own, and servers with the demo."""

import functools
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from tests.support.database import databases
from tests.support.servers.clusters import ProcessCluster, process_cluster

ENVIRON = {
    "RUSTYGPT__LLM__DEFAULT_MODEL": "demo",
    "RUSTYGPT_PROFILE": "test",
    "RUSTYGPT__SSE__HEARTBEAT_SECONDS": "1",
    "RUSTYGPT__SSE__MAX_STREAMS_PER_USER": "2000",
    # What a slow reader loses is tested elsewhere: here nobody is to lose anything.
    "RUSTYGPT__SSE__CHANNEL_CAPACITY": "10000",
    "RUSTYGPT__SSE__MAX_BACKFILL_EVENTS": "10000",
}

Servers = Callable[..., AbstractAsyncContextManager[ProcessCluster]]
"""Starts so many server processes on a database at a URL; more settings by their variables."""


@pytest.fixture
def servers(tmp_path: Path) -> Servers:
    """Starts real servers, whose heartbeats come every second."""
    return functools.partial(_servers, tmp_path)


def _servers(
    folder: Path, url: str, count: int = 1, **more: str
) -> AbstractAsyncContextManager[ProcessCluster]:
    return process_cluster(folder, url, count, **{**ENVIRON, **more})


@pytest.fixture
async def fresh_url(cluster_url: str) -> AsyncIterator[str]:
    """A database that nothing was applied to; dropped with its roles."""
    url = await databases.create(cluster_url)
    yield url
    await databases.drop(cluster_url, url)
