"""One of several processes that serve on the same socket; its parent is in `crew`."""

import asyncio
import os
import socket
import sys
from contextlib import suppress

import uvloop

from rustygpt_server.app.config import Config
from rustygpt_server.app.orders import News, Orders, encode, read_orders
from rustygpt_server.app.parts import Parts
from rustygpt_server.app.run import serve, stop_with_parent
from rustygpt_server.db.bootstrap import PoolLogin
from rustygpt_server.db.refusals import DatabaseError
from rustygpt_server.errors import StartFailed
from rustygpt_server.telemetry import Metrics, set_up_logging


def main() -> None:
    """Serve as the line on standard input says, until it closes or a signal comes."""
    orders = read_orders(sys.stdin.buffer.readline())
    set_up_logging(orders.settings.logging)
    try:
        uvloop.run(_work(orders))
    except (StartFailed, DatabaseError) as error:
        _tell(News(failed=str(error)))
        sys.exit(1)


async def _work(orders: Orders) -> None:
    stop = asyncio.Event()
    stop_with_parent(stop)
    sock = socket.socket(fileno=orders.socket)
    sock.setblocking(False)
    metrics = Metrics(orders.metrics_folder)
    metrics.count_scripts(orders.scripts)
    config = Config(
        settings=orders.settings,
        pool_url=orders.pool_url,
        pool_login=PoolLogin(orders.user, orders.password),
        environ=dict(os.environ),
        metrics=metrics,
        setup_token=orders.setup_token,
    )
    with sock:
        await serve(config, sock, lambda _, parts: _tell_ready(parts), stop)


def _tell_ready(parts: Parts) -> None:
    _tell(News(ready=True, is_setup=parts.is_setup))


def _tell(news: News) -> None:
    with suppress(BrokenPipeError):
        sys.stdout.buffer.write(encode(news))
        sys.stdout.buffer.flush()
