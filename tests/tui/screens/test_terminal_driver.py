"""The keys that the driver reads."""

import pytest
from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from rustygpt_tui.screens.terminal_driver import TerminalDriver


@pytest.mark.parametrize(
    ("sequence", "name"), [("\x1b\r", "alt+enter"), ("\x1b ", "alt+space"), ("\r", "enter")]
)
def test_alt_is_read_with_keys_that_type_no_letter(sequence: str, name: str) -> None:
    """Textual alone drops the Escape; other keys are read as before."""
    keys = [key for key in XTermParser().feed(sequence) if isinstance(key, events.Key)]

    assert issubclass(TerminalDriver, LinuxDriver)
    assert [key.key for key in keys] == [name]
