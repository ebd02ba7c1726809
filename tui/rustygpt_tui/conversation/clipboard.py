"""Copies text to the clipboard that the user can paste from: by a program, tmux or the terminal.

Only a clipboard program on this machine reports success. Over SSH there is none, so the text is
sent to the terminal by an escape sequence (OSC 52) that has no reply. Then the text is also
written to a file, and the returned sentence promises no more than is known.
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
"""The longest base64 text, in characters, that every terminal with OSC 52 accepts."""
TOOL_TIMEOUT_SECONDS = 2.0
_TERMINALS_WITHOUT_OSC52 = frozenset({"", "dumb", "linux"})
_TOOLS: Sequence[tuple[str, Sequence[str]]] = (
    ("WAYLAND_DISPLAY", ("wl-copy", "--type", "text/plain")),
    ("DISPLAY", ("xclip", "-selection", "clipboard")),
    ("DISPLAY", ("xsel", "--clipboard", "--input")),
    ("", ("pbcopy",)),
)
"""Clipboard programs, each with the environment variable that it needs."""


class Clipboard:
    """The clipboards that can be reached from this process."""

    def __init__(
        self, environ: Mapping[str, str], folder: Path, write: Callable[[str], None]
    ) -> None:
        """`folder` is where the file is written; `write` sends a sequence to the terminal."""
        self._environ = environ
        self._file = folder / FILE_NAME
        self._write = write

    async def copy(self, text: str) -> str:
        """Copy a text, and return one sentence for the user about where it is."""
        cleaned = clean(text)
        for command in self._tools():
            if await _run(command, cleaned):
                return "Copied."
        in_tmux = await self._copy_to_tmux(cleaned)
        sent = self._send_to_terminal(cleaned)
        if in_tmux:
            return "Copied into tmux, where prefix ] pastes it, and sent to the terminal."
        try:
            await asyncio.to_thread(self._write_file, cleaned)
        except OSError as error:
            reason = f"it could not be kept in {self._file} either ({error.strerror})"
            return f"Sent to the terminal; {reason}." if sent else f"Not copied: {reason}."
        if sent:
            return f"Sent to the terminal. If it does not paste, it is in {self._file}."
        return f"No clipboard can be reached from here; it is in {self._file}."

    def _tools(self) -> list[Sequence[str]]:
        """Return the installed clipboard programs; over SSH they reach the wrong machine."""
        if self._environ.get("SSH_CONNECTION") or self._environ.get("SSH_TTY"):
            return []
        path = self._environ.get("PATH")
        return [
            command
            for variable, command in _TOOLS
            if (not variable or self._environ.get(variable)) and shutil.which(command[0], path=path)
        ]

    async def _copy_to_tmux(self, text: str) -> bool:
        """Load the text into a tmux buffer, which `-w` also sends to the terminal."""
        if not self._environ.get("TMUX"):
            return False
        return await _run(("tmux", "load-buffer", "-w", "-"), text)

    def _send_to_terminal(self, text: str) -> bool:
        """Send the text by OSC 52; return False when this terminal is known to ignore it."""
        encoded = base64.b64encode(text.encode()).decode("ascii")
        unsupported = self._environ.get("TERM", "") in _TERMINALS_WITHOUT_OSC52
        apple = self._environ.get("TERM_PROGRAM") == "Apple_Terminal"
        if unsupported or apple or len(encoded) > SEQUENCE_MAX:
            return False
        sequence = f"\x1b]52;c;{encoded}\x07"
        self._write(sequence)
        if self._environ.get("TMUX"):
            self._write("\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\")
        return True

    def _write_file(self, text: str) -> None:
        """Replace the file; only its owner may read it."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        new_file = self._file.with_suffix(".new")
        descriptor = os.open(new_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        new_file.replace(self._file)


async def _run(command: Sequence[str], text: str) -> bool:
    """Run a program with the text as its input; return whether it succeeded."""
    null = asyncio.subprocess.DEVNULL
    try:
        # No pipe for its output: some programs stay in the background and would hold it open.
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=null, stderr=null
        )
    except OSError:
        return False
    try:
        await asyncio.wait_for(process.communicate(text.encode()), TOOL_TIMEOUT_SECONDS)
    except (TimeoutError, OSError):
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return process.returncode == 0
