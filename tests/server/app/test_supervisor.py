"""The parent of several workers, when they cannot work."""

import asyncio
import os
from pathlib import Path

import pytest

from rustygpt_server.app.run import bind_socket
from rustygpt_server.app.supervisor import WorkerSupervisor, metrics_folder
from rustygpt_server.app.worker_protocol import WorkerConfig
from rustygpt_server.clock import SystemClock
from rustygpt_server.errors import StartupError
from rustygpt_shared.settings import Logging, Settings


async def test_a_worker_that_cannot_start_says_why() -> None:
    """Its own words are the parent's reason, and every process and file is gone."""
    told: list[bool] = []
    with metrics_folder() as folder, bind_socket("127.0.0.1", 0) as sock:
        assert Path(folder).stat().st_mode & 0o777 == 0o700
        orders = WorkerConfig(
            settings=Settings(logging=Logging(level="error")),
            pool_url="postgresql://nobody@127.0.0.1:1/nothing",
            user=None,
            password=None,
            setup_token="x",
            socket=sock.fileno(),
            metrics_folder=folder,
        )
        crew = WorkerSupervisor(orders, 2, SystemClock())
        with pytest.raises(StartupError, match="database does not answer"):
            await crew.serve(told.append, asyncio.Event())

    assert told == []
    assert not os.path.exists(folder)  # noqa: PTH110 - a str is what it gives
