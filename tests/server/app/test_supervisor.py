"""The parent process of several workers, when they fail to start."""

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


async def test_the_error_of_a_worker_is_the_error_of_the_parent() -> None:
    """Afterwards the metrics folder is deleted."""
    ready_reports: list[bool] = []
    with metrics_folder() as folder, bind_socket("127.0.0.1", 0) as sock:
        assert Path(folder).stat().st_mode & 0o777 == 0o700
        config = WorkerConfig(
            settings=Settings(logging=Logging(level="error")),
            pool_url="postgresql://nobody@127.0.0.1:1/nothing",
            user=None,
            password=None,
            setup_token="x",
            socket=sock.fileno(),
            metrics_folder=folder,
        )
        supervisor = WorkerSupervisor(config, 2, SystemClock())
        with pytest.raises(StartupError, match="database does not answer"):
            await supervisor.serve(ready_reports.append, asyncio.Event())

    assert ready_reports == []
    assert not os.path.exists(folder)  # noqa: PTH110 - the folder is a str
