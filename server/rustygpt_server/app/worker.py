"""A worker: one of several processes that serve on the same socket; `supervisor` is its parent."""

import asyncio
import os
import socket
import sys
from contextlib import suppress

import uvloop

from rustygpt_server.app.components import Components
from rustygpt_server.app.context import ServerContext
from rustygpt_server.app.run import serve, stop_on_stdin_eof
from rustygpt_server.app.worker_protocol import WorkerConfig, WorkerStatus, decode_config, encode
from rustygpt_server.db.bootstrap import PoolLogin
from rustygpt_server.errors import RequestError, StartupError
from rustygpt_server.runtime import Runtime
from rustygpt_server.telemetry import Metrics, set_up_logging


def main() -> None:
    """Serve with the configuration on standard input, until it closes or a signal arrives."""
    worker_config = decode_config(sys.stdin.buffer.readline())
    set_up_logging(worker_config.settings.logging)
    try:
        uvloop.run(_run(worker_config))
    except (StartupError, RequestError) as error:
        _send_status(WorkerStatus(failed=str(error)))
        sys.exit(1)


async def _run(worker_config: WorkerConfig) -> None:
    stop = asyncio.Event()
    stop_on_stdin_eof(stop)
    sock = socket.socket(fileno=worker_config.socket)
    sock.setblocking(False)
    metrics = Metrics(worker_config.metrics_folder)
    metrics.count_scripts(worker_config.scripts)
    context = ServerContext(
        settings=worker_config.settings,
        pool_url=worker_config.pool_url,
        pool_login=PoolLogin(worker_config.user, worker_config.password),
        environ=dict(os.environ),
        runtime=Runtime(metrics=metrics),
        setup_token=worker_config.setup_token,
    )
    with sock:
        await serve(context, sock, lambda _, parts: _report_ready(parts), stop)


def _report_ready(components: Components) -> None:
    _send_status(WorkerStatus(ready=True, is_setup=components.is_setup))


def _send_status(status: WorkerStatus) -> None:
    with suppress(BrokenPipeError):
        sys.stdout.buffer.write(encode(status))
        sys.stdout.buffer.flush()
