"""The driver that draws on the terminal at standard output.

Textual's own draws to standard error, so that `rustygpt 2>file` showed a blank screen. The program
opens the chat only when standard output is a terminal.
"""

import sys
from typing import Any

from textual.drivers.linux_driver import LinuxDriver


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
