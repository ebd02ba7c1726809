"""The real server in a process of its own, on a database of its own."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.database import databases

COMMAND_TEXT = "from rustygpt_tui.cli import main; main()"


@contextmanager
def blocking_server_process(cluster_url: str) -> Iterator[str]:
    """The origin of a server that nobody has set up; it ends with the block."""
    url = asyncio.run(databases.create(cluster_url))
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND_TEXT, "serve", "--supervised", "--port", "0"],
        env={**os.environ, "DATABASE_URL": url, "RUSTYGPT_PROFILE": "test"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield _wait_until_ready(process)
    finally:
        process.communicate(timeout=30)
        asyncio.run(databases.drop(cluster_url, url))


def _wait_until_ready(process: "subprocess.Popen[bytes]") -> str:
    assert process.stdout is not None
    told: dict[str, str] = {}
    for line in process.stdout:
        told = json.loads(line)
        if "ready" in told:
            return told["ready"]
    raise AssertionError(f"The server did not start: {told}")
