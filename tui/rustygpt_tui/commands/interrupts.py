"""Ctrl-C while a command waits: the signal wakes the event loop at once.

`asyncio.run` cancels the command's coroutine on SIGINT, but does not set the wakeup file descriptor
of `signal.set_wakeup_fd`. A signal that arrives just before the loop waits in `epoll_wait` would
then be handled only at the next network event, which on a quiet stream is up to 20 s away. Python's
own handler stays, so that Ctrl-C also ends a blocking read of standard input.
"""

import asyncio
import signal
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

_RECEIVE_BYTES = 512


async def run_interruptible(coroutine: Coroutine[Any, Any, None]) -> None:
    """Await the coroutine; a signal of the process wakes the running event loop."""
    with _signal_wakeup(asyncio.get_running_loop()):
        await coroutine


@contextmanager
def _signal_wakeup(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # Python handles signals in the main thread only.
        return
    reader, writer = socket.socketpair()
    with reader, writer:
        reader.setblocking(False)
        writer.setblocking(False)
        loop.add_reader(reader, reader.recv, _RECEIVE_BYTES)
        previous = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(previous)
            loop.remove_reader(reader)
