"""The program in a pseudo terminal, in a process of its own."""

import asyncio
import os
import pty
import signal
import termios
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import BinaryIO

from tests.support.servers.server_process import COMMAND
from tests.support.wait import until


class Terminal:
    """What a user at the terminal sees and types."""

    def __init__(self, master: int, process: Process) -> None:
        self._master = master
        self._process = process
        self.seen = ""

    async def shows(self, text: str) -> None:
        """Wait until the terminal has shown a text."""
        await until(lambda: text in self.seen)

    def types(self, text: str) -> None:
        """Type a text."""
        os.write(self._master, text.encode())

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> None:
        """Send the program a signal."""
        self._process.send_signal(number)

    def resize(self, columns: int) -> None:
        """Change the width of the terminal, and send the program SIGWINCH as terminals do."""
        termios.tcsetwinsize(self._master, (24, columns))
        self.interrupt(signal.SIGWINCH)

    def mode(self) -> list[object]:
        """Return the mode of the terminal: what is echoed, and how input is read."""
        return termios.tcgetattr(self._master)

    async def ends(self) -> int:
        """Wait for the program's end; return its exit code."""
        return await self._process.wait()

    def read(self) -> None:
        """Read the output that is available; at the end of the program there is none."""
        with suppress(OSError):
            self.seen += os.read(self._master, 65_536).decode("utf-8", "replace")


@asynccontextmanager
async def in_terminal(*arguments: str, errors: BinaryIO | None = None) -> AsyncIterator[Terminal]:
    """Run the program in a terminal; kill it when it has not ended with the block.

    `errors` is a file for its standard error, instead of the terminal.
    """
    master, slave = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *arguments,
        stdin=slave,
        stdout=slave,
        stderr=errors or slave,
        start_new_session=True,
    )
    os.close(slave)
    terminal = Terminal(master, process)
    loop = asyncio.get_running_loop()
    loop.add_reader(master, terminal.read)
    try:
        yield terminal
    finally:
        loop.remove_reader(master)
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(master)
