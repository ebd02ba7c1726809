"""What is copied, brought to where the person can paste it. No widget.

A program of this machine is the one way that tells whether it worked. Over SSH there is none, so
the terminal is asked by an escape sequence (OSC 52), which never answers: then the text is kept in
a file too, and what is said promises no more than is known.
"""

import asyncio
import base64
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from rustygpt_tui.render.text import clean

FILE_NAME = "copied.txt"
SEQUENCE_MAX = 74_994
"""Characters of base64 that all terminals with OSC 52 take."""
TOOL_SECONDS = 2.0
_TERMINALS_WITHOUT_OSC52 = frozenset({"", "dumb", "linux"})
_TOOLS: Sequence[tuple[str, Sequence[str]]] = (
    ("WAYLAND_DISPLAY", ("wl-copy", "--type", "text/plain")),
    ("DISPLAY", ("xclip", "-selection", "clipboard")),
    ("DISPLAY", ("xsel", "--clipboard", "--input")),
    ("", ("pbcopy",)),
)


class Clipboard:
    """The clipboards that can be reached from here."""

    def __init__(
        self, environ: Mapping[str, str], folder: Path, write: Callable[[str], None]
    ) -> None:
        """`folder` keeps the file; `write` hands an escape sequence to the terminal."""
        self._environ = environ
        self._file = folder / FILE_NAME
        self._write = write

    async def copy(self, text: str) -> str:
        """Copy a text; answers what became of it, in a sentence."""
        kept = clean(text)
        for command in self._tools():
            if await _run(command, kept):
                return "Copied."
        in_tmux = await self._to_tmux(kept)
        sent = self._send(kept)
        if in_tmux:
            return "Copied into tmux, where prefix ] pastes it, and sent to the terminal."
        try:
            await asyncio.to_thread(self._write_file, kept)
        except OSError as error:
            why = f"it could not be kept in {self._file} either ({error.strerror})"
            return f"Sent to the terminal; {why}." if sent else f"Not copied: {why}."
        if sent:
            return f"Sent to the terminal. If it does not paste, it is in {self._file}."
        return f"No clipboard can be reached from here; it is in {self._file}."

    def _tools(self) -> list[Sequence[str]]:
        """Programs that reach the clipboard of the screen the person sits at."""
        if self._environ.get("SSH_CONNECTION") or self._environ.get("SSH_TTY"):
            return []
        path = self._environ.get("PATH")
        return [
            command
            for needed, command in _TOOLS
            if (not needed or self._environ.get(needed)) and shutil.which(command[0], path=path)
        ]

    async def _to_tmux(self, text: str) -> bool:
        """Give tmux the text, which also sends it on to the terminal where it may (`-w`)."""
        if not self._environ.get("TMUX"):
            return False
        return await _run(("tmux", "load-buffer", "-w", "-"), text)

    def _send(self, text: str) -> bool:
        """Hand the text to the terminal; tells whether that can be of use."""
        encoded = base64.b64encode(text.encode()).decode("ascii")
        deaf = self._environ.get("TERM", "") in _TERMINALS_WITHOUT_OSC52
        apple = self._environ.get("TERM_PROGRAM") == "Apple_Terminal"
        if deaf or apple or len(encoded) > SEQUENCE_MAX:
            return False
        sequence = f"\x1b]52;c;{encoded}\x07"
        self._write(sequence)
        if self._environ.get("TMUX"):
            self._write("\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\")
        return True

    def _write_file(self, text: str) -> None:
        """Write the file, for its owner only."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        fresh.replace(self._file)


async def _run(command: Sequence[str], text: str) -> bool:
    """Give a program the text; tells whether it took it."""
    null = asyncio.subprocess.DEVNULL
    try:
        # Its output goes nowhere: some stay in the background and would hold the pipe open.
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=null, stderr=null
        )
    except OSError:
        return False
    try:
        await asyncio.wait_for(process.communicate(text.encode()), TOOL_SECONDS)
    except (TimeoutError, OSError):
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return process.returncode == 0
