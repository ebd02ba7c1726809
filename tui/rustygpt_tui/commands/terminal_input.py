"""What a user types at the terminal: the terminal's mode, keys and pastes, and the line so far.

The terminal sends each key at once and echoes nothing, and marks what is pasted (bracketed paste).
Its mode is restored however the program ends, except by SIGKILL.
"""

import codecs
import copy
import os
import re
import signal
import termios
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from rustygpt_shared.markdown.source import line_feeds
from rustygpt_shared.text_rules import MESSAGE_MAX
from rustygpt_tui.render.text import clusters

KeyKind = Literal["text", "paste", "enter", "newline", "character", "word", "line", "end"]

PASTE_ON = "\x1b[?2004h"
PASTE_OFF = "\x1b[?2004l"
_PASTE_BEGIN = "\x1b[200~"
_PASTE_END = "\x1b[201~"
_MAX_TEXT = MESSAGE_MAX + 1
"""One more than a message may have, so that too long a text is refused and not cut."""
_MAX_SEQUENCE = 32
_MAX_CLUSTER = 64
_MAX_WORD = 1_000
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O[@-~])")
_INCOMPLETE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|O)?\Z")
_TEXT = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f-\x9f]+")
_CONTROLS: dict[str, KeyKind] = {
    "\r": "enter",
    "\n": "enter",
    "\x7f": "character",
    "\x08": "character",
    "\x17": "word",
    "\x15": "line",
    "\x04": "end",
}


class Key(NamedTuple):
    """A key: text or a paste to insert, the end of the line, or how much to delete before it."""

    kind: KeyKind
    text: str = ""


class KeyParser:
    """Parses the bytes of a terminal; the keys may be split in any way."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._pasted: str | None = None
        """The beginning of a paste whose end has not come yet."""

    def feed(self, data: bytes) -> list[Key]:
        """Return the keys that are complete with these bytes."""
        self._rest += self._decoder.decode(data)
        keys: list[Key] = []
        while self._rest:
            before = len(self._rest)
            key = self._next_key() if self._pasted is None else self._next_of_paste()
            if key:
                keys.append(key)
            elif len(self._rest) == before:
                break
        return keys

    def _next_key(self) -> Key | None:
        """Take the next key, or drop what is none; leave what is incomplete."""
        rest = self._rest
        if match := _TEXT.match(rest):
            self._rest = rest[match.end() :]
            return Key("text", line_feeds(match[0]))
        if rest.startswith(_PASTE_BEGIN):
            self._rest = rest[len(_PASTE_BEGIN) :]
            self._pasted = ""
            return self._next_of_paste()
        if match := _SEQUENCE.match(rest):
            self._rest = rest[match.end() :]
            return None
        if _INCOMPLETE.match(rest) and len(rest) < _MAX_SEQUENCE:
            return None
        if rest[:2] in ("\x1b\r", "\x1b\n"):  # Alt+Enter
            self._rest = rest[2:]
            return Key("newline")
        self._rest = rest[1:]
        kind = _CONTROLS.get(rest[0])
        return Key(kind) if kind else None

    def _next_of_paste(self) -> Key | None:
        """Take what is there of a paste; return it when it is complete."""
        text, end, after = self._rest.partition(_PASTE_END)
        if not end:  # the end of the paste may be split
            split = max(0, len(text) - len(_PASTE_END) + 1)
            text, after = text[:split], text[split:]
        self._rest = after
        self._pasted = ((self._pasted or "") + text)[:_MAX_TEXT]
        if not end:
            return None
        pasted, self._pasted = self._pasted, None
        return Key("paste", line_feeds(pasted))


@dataclass
class TypedLine:
    """The line that is being typed; a paste and Alt+Enter may give it several lines of text."""

    text: str = ""
    is_pasted: bool = False
    """True if it begins with a paste: its first word is not a command then."""

    def apply(self, key: Key) -> None:
        """Change the line by a key other than `enter` and `end`."""
        if key.kind in ("text", "paste", "newline"):
            self.is_pasted = key.kind == "paste" if not self.text else self.is_pasted
            inserted = "\n" if key.kind == "newline" else key.text
            self.text = (self.text + inserted)[:_MAX_TEXT]
        elif key.kind == "character":
            last = [cluster for cluster, _ in clusters(self.text[-_MAX_CLUSTER:])][-1:]
            self.text = self.text.removesuffix("".join(last))
        elif key.kind == "word":
            head, ending = self.text[:-_MAX_WORD], self.text[-_MAX_WORD:]
            self.text = head + re.sub(r"\S*\s*\Z", "", ending)
        elif key.kind == "line":
            self.text = self.text[: self.text.rfind("\n", 0, -1) + 1]


class TypingMode:
    """The terminal's mode while the user types; as a context manager it is restored at the end.

    SIGTERM and SIGHUP restore it, too. When the program continues after Ctrl-Z the mode is set
    again and `on_continue` is called.
    """

    def __init__(
        self, fd: int, write: Callable[[str], None], on_continue: Callable[[], None]
    ) -> None:
        self._fd = fd
        self._write = write
        self._on_continue = on_continue
        self._saved: list[Any] = termios.tcgetattr(fd)
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> None:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCONT):
            self._handlers[number] = signal.signal(number, self._on_signal)
        self._set()

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._restore()

    def _set(self) -> None:
        mode = copy.deepcopy(self._saved)
        mode[3] &= ~(termios.ECHO | termios.ICANON)
        mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
        termios.tcsetattr(self._fd, termios.TCSADRAIN, mode)
        self._write(PASTE_ON)

    def _restore(self) -> None:
        with suppress(OSError):  # the terminal may be gone
            self._write(PASTE_OFF)
        with suppress(termios.error):
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._saved)

    def _on_signal(self, number: int, _frame: object) -> None:
        if number == signal.SIGCONT:
            self._set()
            self._on_continue()
            return
        self._restore()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
