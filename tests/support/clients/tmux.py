"""The terminal chat in tmux: a real terminal, whose screen can be read."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from tests.support.servers.server_process import COMMAND, plain_environ

TMUX = shutil.which("tmux")


class TmuxError(Exception):
    """tmux refused a command."""


class TmuxTerminal:
    """One user's program in a window of its own, with folders of its own."""

    def __init__(self, folder: Path, server_url: str, size: tuple[int, int]) -> None:
        self._socket = f"rgt-{os.getpid()}-{token_hex(4)}"
        self._folder = folder
        self._url = server_url
        self._size = size

    def start(self) -> None:
        """Start the program."""
        columns, rows = self._size
        environ = {
            "RUSTYGPT_CONFIG_DIR": str(self._folder),
            "RUSTYGPT_STATE_DIR": str(self._folder),
            "RUSTYGPT_CACHE_DIR": str(self._folder),
            "RUSTYGPT_DATA_DIR": str(self._folder),
            "LANG": "C.UTF-8",
        }
        variables = [part for name, value in environ.items() for part in ("-e", f"{name}={value}")]
        size = ("-x", str(columns), "-y", str(rows))
        program = (*COMMAND, "--server", self._url)
        self._tmux("-f", "/dev/null", "new-session", "-d", *size, *variables, *program)

    def kill(self) -> None:
        """Kill the program with SIGKILL; its terminal closes with it."""
        pid = int(self._tmux("display-message", "-p", "#{pane_pid}"))
        os.kill(pid, signal.SIGKILL)
        self.close()

    def close(self) -> None:
        """Close the terminal, if it is open."""
        try:
            self._tmux("kill-server")
        except TmuxError:
            return

    def keys(self, *names: str) -> None:
        """Press keys, by tmux's names: `Enter`, `Escape`, `C-t`, `n`."""
        self._tmux("send-keys", *names)

    def types(self, text: str) -> None:
        """Type a text."""
        self._tmux("send-keys", "-l", text)

    def screen(self) -> str:
        """Return what the screen shows; nothing when the program has ended."""
        try:
            return self._tmux("capture-pane", "-p")
        except TmuxError:
            return ""

    async def until(
        self, condition: str | re.Pattern[str] | Callable[[str], object], seconds: float = 60
    ) -> str:
        """Wait until the screen has a text or fits a condition; return the screen."""
        deadline = time.monotonic() + seconds
        while True:
            screen = await asyncio.to_thread(self.screen)
            if _holds(condition, screen):
                return screen
            if time.monotonic() > deadline:
                raise AssertionError(f"{condition!r} did not come; the screen is:\n{screen}")
            await asyncio.sleep(0.03)

    async def until_gone(self, text: str, seconds: float = 60) -> str:
        """Wait until a text is not on the screen any more; return the screen."""
        return await self.until(lambda screen: text not in screen, seconds)

    def _tmux(self, *arguments: str) -> str:
        assert TMUX is not None
        environ = {**plain_environ(), "TERM": "xterm-256color"}
        for variable in ("COLUMNS", "LINES", "TMUX"):  # they would be believed, not the terminal
            environ.pop(variable, None)
        done = subprocess.run(
            [TMUX, "-L", self._socket, *arguments],
            capture_output=True,
            env=environ,
            check=False,
            timeout=60,
        )
        if done.returncode:
            raise TmuxError(done.stderr.decode())
        return done.stdout.decode("utf-8", "replace")


def _holds(condition: str | re.Pattern[str] | Callable[[str], object], screen: str) -> object:
    if isinstance(condition, str):
        return condition in screen
    return condition.search(screen) if isinstance(condition, re.Pattern) else condition(screen)


@contextmanager
def tmux_terminal(
    folder: Path, server_url: str, size: tuple[int, int] = (120, 40)
) -> Iterator[TmuxTerminal]:
    """Run the program for the user whose session is in a folder; end it with the block."""
    terminal = TmuxTerminal(folder, server_url, size)
    terminal.start()
    try:
        yield terminal
    finally:
        terminal.close()
