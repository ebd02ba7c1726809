"""What ends a command that waits: Ctrl-C, a signal, or the end of the reader of its output.

`asyncio.run` cancels the command's coroutine on SIGINT, but does not set the wakeup file descriptor
of `signal.set_wakeup_fd`. A signal that arrives just before the loop waits in `epoll_wait` would
then be handled only at the next network event, which on a quiet stream is up to 20 s away. Python's
own handler stays, so that Ctrl-C also ends a blocking read of standard input.
"""

import asyncio
import io
import os
import select
import signal
import socket
import stat
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from typing import Any, TypeVar

from rustygpt_tui.errors import Exit, PipeClosedError, Terminated

T = TypeVar("T")
Cancel = Callable[[Exception], None]

_RECEIVE_BYTES = 512
_EXIT_CODES = {signal.SIGTERM: Exit.TERMINATED, signal.SIGHUP: Exit.HANGUP}


async def run_interruptible(coroutine: Coroutine[Any, Any, T]) -> T:
    """Await the coroutine; a signal of the process wakes the running event loop."""
    with _signal_wakeup(asyncio.get_running_loop()):
        return await coroutine


@asynccontextmanager
async def ends_with_reader() -> AsyncIterator[None]:
    """Cancel the block when the reader of standard output, a pipe, has ended.

    It raises PipeClosedError then. Without this a command notices that at its next output only.
    """
    async with _cancellable() as cancel:
        with _reader_watch(asyncio.get_running_loop(), cancel):
            yield


@asynccontextmanager
async def ends_with_signal() -> AsyncIterator[None]:
    """Cancel the block on SIGTERM and SIGHUP, and raise Terminated; a second signal kills.

    A signal that the process ignores (`nohup`) stays ignored.
    """
    loop = asyncio.get_running_loop()
    async with _cancellable() as cancel:
        with ExitStack() as handlers:
            for number in _EXIT_CODES:
                if threading.current_thread() is threading.main_thread():
                    handlers.enter_context(_handler(number, loop, cancel))
            yield


@asynccontextmanager
async def _cancellable() -> AsyncIterator[Cancel]:
    """Yield a function that cancels the block; the error that it is called with is raised."""
    task = asyncio.current_task()
    errors: list[Exception] = []

    def cancel(error: Exception) -> None:
        errors.append(error)
        if task and len(errors) == 1:
            task.cancel()

    try:
        yield cancel
    finally:
        if errors and task:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0)  # takes a cancellation that has not been raised yet
            task.uncancel()
            raise errors[0] from None


@contextmanager
def _handler(
    number: signal.Signals, loop: asyncio.AbstractEventLoop, cancel: Cancel
) -> Iterator[None]:
    previous = signal.getsignal(number)
    if previous is signal.SIG_IGN:
        yield
        return
    signal.signal(
        number, lambda *_: loop.call_soon_threadsafe(cancel, Terminated(_EXIT_CODES[number]))
    )
    try:
        yield
    finally:
        signal.signal(number, previous)


@contextmanager
def _reader_watch(loop: asyncio.AbstractEventLoop, cancel: Cancel) -> Iterator[None]:
    """Call `cancel` when standard output is a pipe without a reader."""
    try:
        descriptor = sys.stdout.fileno()
    except io.UnsupportedOperation:  # a stream in memory
        yield
        return
    poll = select.poll()
    poll.register(descriptor, 0)

    def check() -> None:
        loop.remove_reader(descriptor)
        if poll.poll(0):
            cancel(PipeClosedError())

    if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        loop.add_reader(descriptor, check)  # a pipe without a reader is reported as readable
    try:
        yield
    finally:
        loop.remove_reader(descriptor)


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
