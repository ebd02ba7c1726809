"""Run a server: listen, serve until it is stopped, and shut down in order.

The event loop is our own and not Sanic's: streams end first, then requests, then connections.
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
from rustygpt_server.app.http_connection import HttpConnection
from rustygpt_server.app.slow_requests import SlowRequestGuard
from rustygpt_server.errors import StartupError
from rustygpt_server.telemetry import log

_log = log(__name__)

BACKLOG = 4_096
"""With Sanic's default of 100, thousands of clients that reconnect at once wait for up to 30 s."""
_CLOSING_SECONDS = 0.5

Ready = Callable[[str, Components], None]


def bind_socket(host: str, port: int) -> socket.socket:
    """Bind a socket to an address; raise StartupError when that is impossible."""
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
    """Return the URL of a listening socket."""
    return url_for(*sock.getsockname()[:2])


def url_for(host: str, port: int) -> str:
    """Return the URL of an address; for "all interfaces" it names this machine."""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - only displayed
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


async def serve(
    context: ServerContext, sock: socket.socket, on_ready: Ready, stop: asyncio.Event
) -> None:
    """Serve until `stop` is set or a signal arrives."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, uvloop.Loop):
        raise StartupError("The server has to run on uvloop; install rustygpt[server] again.")
    install_signal_handlers(lambda _: stop.set())
    async with build_components(context) as components, serving(components, sock, single_app=True):
        _tune_gc()
        on_ready(socket_url(sock), components)
        await stop.wait()


def _tune_gc() -> None:
    """Exclude long-lived objects from garbage collection, and collect less often.

    Thousands of streams that open at once create enough objects for Python to run full collections
    again and again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def install_signal_handlers(on_stop: Callable[[signal.Signals], None]) -> None:
    """Call `on_stop` at SIGTERM, SIGINT or SIGHUP; further signals are ignored.

    They are ignored also while the event loop closes: it would restore the default handlers, and a
    second signal would end the process as if it had failed. SIGHUP means that the terminal was
    closed; where it is ignored (`nohup`) it stays ignored.
    """
    loop = asyncio.get_running_loop()
    numbers = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)

    def on_signal(number: signal.Signals) -> None:
        for each in numbers:
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_IGN)
        on_stop(number)

    for number in numbers:
        loop.add_signal_handler(number, on_signal, number)


def stop_on_stdin_eof(stop: asyncio.Event) -> None:
    """Set the event when standard input ends: the process that started this one has ended."""
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
    """Serve requests on a socket, and shut down in order when the block ends.

    Sanic can optimise its own code for one application per process: then `single_app` is true.
    """
    app = create_app(components)
    app.config.TOUCHUP = single_app
    server = await app.create_server(
        sock=sock,
        protocol=HttpConnection,
        backlog=BACKLOG,
        asyncio_server_kwargs={"start_serving": False},
    )
    if server is None:
        raise StartupError("Sanic did not create a server.")
    _declare_http11(app, sock)
    await server.startup()
    await server.before_start()
    await server.start_serving()
    await server.after_start()
    components.background.start()
    context = components.context
    guard = SlowRequestGuard(
        server.connections, app.ctx.connections, context.settings.server, context.runtime.clock
    )
    guarding = asyncio.create_task(guard.run())
    try:
        yield
    finally:
        guarding.cancel()
        await _stop(components, server)
        Sanic.unregister_app(app)


def _declare_http11(app: Sanic[Any, Any], sock: socket.socket) -> None:
    """Tell Sanic that it serves HTTP/1.1 only; else each response has an empty Alt-Svc header."""
    settings = {"version": HTTP.VERSION_1, "port": sock.getsockname()[1]}
    app.state.server_info.append(ApplicationServerInfo(settings=settings))


async def _stop(components: Components, server: AsyncioServer) -> None:
    """End answers, then streams (new ones are still answered), then requests and connections."""
    _log.info("stopping", **components.hub.statistics())
    await components.services.completions.stop()
    await components.answer_manager.stop()
    await server.before_stop()
    await components.hub.drain()
    closing = server.close()
    await components.background.stop()
    await components.services.imports.stop()
    await components.services.conversations.stop()
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
    # Sanic removes connections from this set without any notification.
    while connections and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    for connection in list(connections):
        connection.abort()
