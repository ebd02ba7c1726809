"""Fixtures of fault tests: databases of their own, and real servers with the demo assistant."""

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
    # What a slow subscriber loses is tested elsewhere: here nothing may be lost.
    "RUSTYGPT__SSE__CHANNEL_CAPACITY": "10000",
    "RUSTYGPT__SSE__MAX_BACKFILL_EVENTS": "10000",
}

Servers = Callable[..., AbstractAsyncContextManager[ProcessCluster]]
"""Starts so many server processes on a database at a URL; more settings by their variables."""


@pytest.fixture
def servers(tmp_path: Path) -> Servers:
    """Start real servers with a heartbeat every second."""
    return functools.partial(_servers, tmp_path)


def _servers(
    folder: Path, url: str, count: int = 1, **more: str
) -> AbstractAsyncContextManager[ProcessCluster]:
    return process_cluster(folder, url, count, **{**ENVIRON, **more})


@pytest.fixture
async def fresh_url(cluster_url: str) -> AsyncIterator[str]:
    """A database without any script applied; dropped with its roles."""
    url = await databases.create(cluster_url)
    yield url
    await databases.drop(cluster_url, url)
