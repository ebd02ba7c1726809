"""The driver that draws on the terminal at standard output, and reads alt with Enter or space.

Textual's own draws to standard error, so that `rustygpt 2>file` showed a blank screen. The program
opens the chat only when standard output is a terminal.

Terminals send the same bytes for alt and a key as for Escape and a quick key after it. Textual
drops the Escape when that key is Enter or space; here it is alt, as for other keys, which
`SequentialInputApp` handles.
"""

import sys
from typing import Any, NamedTuple, cast

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.drivers.linux_driver import LinuxDriver


class _AltKey(NamedTuple):
    """A key that Textual's table has no member for."""

    value: str


cast("dict[str, object]", ANSI_SEQUENCES_KEYS).update(
    {"\x1b\r": (_AltKey("alt+enter"),), "\x1b ": (_AltKey("alt+space"),)}
)


class TerminalDriver(LinuxDriver):
    """Textual's driver, with another file to write to."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        standard_output = sys.__stdout__
        if standard_output is not None and standard_output.isatty():
            encoding = standard_output.encoding
            descriptor = standard_output.fileno()
            self._file = open(  # noqa: SIM115 - a descriptor, which stays open
                descriptor, "w", encoding=encoding, errors="backslashreplace", closefd=False
            )
