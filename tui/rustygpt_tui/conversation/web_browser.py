"""Opens an address in a web browser, in a process that cannot use the terminal.

Asking the user first, and saying that it failed, are the screens' business.
"""

import asyncio
import sys
import webbrowser
from asyncio.subprocess import DEVNULL
from pathlib import PurePath
from typing import Final

_SECONDS: Final = 10
"""A browser that runs longer has opened its window."""
_IN_THE_TERMINAL: Final = {"www-browser", "links", "elinks", "lynx", "w3m"}
"""Browsers that need the terminal, which the chat uses."""


async def open_address(address: str) -> bool:
    """Open an address; return False when there is no browser here that shows it in a window."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__, address),
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=DEVNULL,
        start_new_session=True,
    )
    try:
        return await asyncio.wait_for(process.wait(), _SECONDS) == 0
    except TimeoutError:
        return True


def main(address: str) -> int:
    """Open an address in the default browser; return the exit code."""
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return 1
    if PurePath(browser.name).name in _IN_THE_TERMINAL:
        return 1
    return 0 if browser.open(address) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
