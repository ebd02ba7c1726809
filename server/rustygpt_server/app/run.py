"""Run a server: listen, serve until told to stop, and end in good order.

The loop is ours and not Sanic's: open streams are ended first, then requests, then connections.
"""

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import uvloop
from sanic import Sanic
from sanic.application.state import ApplicationServerInfo
from sanic.http.constants import HTTP
from sanic.server.async_server import AsyncioServer

from rustygpt_server.app.components import Components, build_components
from rustygpt_server.app.context import ServerContext
from rustygpt_server.app.factory import create_app
from rustygpt_server.app.slow_requests import SlowRequestGuard
from rustygpt_server.errors import StartupError
from rustygpt_server.telemetry import log

_log = log(__name__)

BACKLOG = 4_096
"""Sanic's own 100 makes thousands of clients that come back at once wait for half a minute."""
_CLOSING_SECONDS = 0.5

Ready = Callable[[str, Components], None]


def bind_socket(host: str, port: int) -> socket.socket:
    """Take an address; raises StartFailed when it is not to be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise StartupError(
            f"Cannot listen on {host}:{port}: {error.strerror}; choose another with --port."
        ) from None
    sock.setblocking(False)
    return sock


def socket_url(sock: socket.socket) -> str:
    """The URL of a listening socket."""
    return url_for(*sock.getsockname()[:2])


def url_for(host: str, port: int) -> str:
    """Where to open what listens there; for "everywhere" it is this machine."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - only shown
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


async def serve(
    context: ServerContext, sock: socket.socket, on_ready: Ready, stop: asyncio.Event
) -> None:
    """Serve until `stop` is set or the process is told to end."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, uvloop.Loop):
        raise StartupError("The server has to run on uvloop; install rustygpt[server] again.")
    install_signal_handlers(stop)
    async with build_components(context) as components, serving(components, sock, single_app=True):
        discovery = asyncio.create_task(components.catalog.discover())
        _tune_gc()
        try:
            on_ready(socket_url(sock), components)
            await stop.wait()
        finally:
            discovery.cancel()
            await asyncio.wait([discovery])


def _tune_gc() -> None:
    """Look through what lives as long as the process no more, and through the rest less often.

    Thousands of streams that open at once are so many new objects that Python would look through
    all of them again and again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def install_signal_handlers(stop: asyncio.Event) -> None:
    """Set the event when the process is told to end; being told again changes nothing.

    Not even in its last moments: the loop gives signals back to the system when it is closed, which
    would end the process as if it had failed.
    """
    loop, numbers = asyncio.get_running_loop(), (signal.SIGTERM, signal.SIGINT)

    def on_signal() -> None:
        stop.set()
        for number in numbers:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)

    for number in numbers:
        loop.add_signal_handler(number, on_signal)


def stop_on_stdin_eof(stop: asyncio.Event) -> None:
    """Set the event when standard input ends: whoever started this process is gone."""
    loop = asyncio.get_running_loop()
    descriptor = sys.stdin.fileno()

    def read() -> None:
        with suppress(BlockingIOError):
            if not os.read(descriptor, 4_096):
                loop.remove_reader(descriptor)
                stop.set()

    os.set_blocking(descriptor, False)
    loop.add_reader(descriptor, read)


@asynccontextmanager
async def serving(
    components: Components, sock: socket.socket, *, single_app: bool = False
) -> AsyncIterator[None]:
    """Answer requests on a socket, and end in good order.

    Sanic can tune its own code for one application in a process, and for no second one: `alone`.
    """
    app = create_app(components)
    app.config.TOUCHUP = single_app
    server = await app.create_server(
        sock=sock, backlog=BACKLOG, asyncio_server_kwargs={"start_serving": False}
    )
    if server is None:
        raise StartupError("Sanic did not make a server.")
    _declare_http11(app, sock)
    await server.startup()
    await server.before_start()
    await server.start_serving()
    await server.after_start()
    components.background.start()
    guard = SlowRequestGuard(server.connections, components.context.runtime)
    guarding = asyncio.create_task(guard.run())
    try:
        yield
    finally:
        guarding.cancel()
        await _stop(components, server)
        Sanic.unregister_app(app)


def _declare_http11(app: Sanic[Any, Any], sock: socket.socket) -> None:
    """Tell Sanic that it speaks HTTP/1.1 only; else every answer has an empty Alt-Svc header."""
    known = {"version": HTTP.VERSION_1, "port": sock.getsockname()[1]}
    app.state.server_info.append(ApplicationServerInfo(settings=known))


async def _stop(components: Components, server: AsyncioServer) -> None:
    """Streams hear of it first, and new ones are still answered; then the rest may finish."""
    _log.info("stopping", **components.hub.statistics())
    await components.answer_manager.stop()
    await server.before_stop()
    await components.hub.drain()
    closing = server.close()
    await components.background.stop()
    await components.unread.stop()
    await _close_connections(server.connections, components.context.runtime.limits.shutdown_grace)
    if closing is not None:
        await asyncio.wait([closing], timeout=_CLOSING_SECONDS)
    await server.after_stop()
    _log.info("stopped")


async def _close_connections(connections: set[Any], grace: float) -> None:
    deadline = asyncio.get_running_loop().time() + grace
    for connection in list(connections):
        connection.close_if_idle()
    # Sanic takes connections out of this set by itself and tells nobody.
    while connections and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    for connection in list(connections):
        connection.abort()
