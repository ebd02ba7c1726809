"""Text as models write it, made whole: characters split in two, and reasoning within the text."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

_OPEN = "<think>"
_CLOSE = "</think>"
_START_MAX = 1_000
"""How many characters, which are white space, may precede the opening tag."""


class TextPart(NamedTuple):
    """A part of an answer."""

    content: str = ""
    reasoning: str = ""


def storable(text: str) -> str:
    """Return a text that can be encoded and stored: without NUL and halves of characters."""
    return _joined(text.replace("\x00", ""))


class CharacterJoiner:
    """Joins the two halves of a character (a surrogate pair) that arrive in two chunks.

    A half without its other one becomes U+FFFD. NUL, which PostgreSQL cannot store, is removed.
    """

    def __init__(self) -> None:
        self._half = ""

    def feed(self, text: str) -> str:
        """Return the text that is complete now."""
        text = self._half + text.replace("\x00", "")
        self._half = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return _joined(text)

    def end(self) -> str:
        """Return what is left at the end."""
        half, self._half = self._half, ""
        return _joined(half)


def _joined(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class ReasoningSplitter:
    """Separates reasoning in `<think>…</think>` at the start of a text from the text itself."""

    def __init__(self) -> None:
        self._pending = ""
        self._state: Literal["start", "reasoning", "text"] = "start"
        self._skips_lines = False
        """True while blank lines after a tag are removed."""

    def feed(self, text: str) -> Iterator[TextPart]:
        """Yield the parts that are certain now."""
        self._pending += text
        if self._state == "start":
            self._begin()
        if self._state == "reasoning":
            yield from self._reason()
        if self._state == "text":
            self._skip_lines()
            if content := self._take(len(self._pending)):
                yield TextPart(content=content)

    def end(self) -> Iterator[TextPart]:
        """Yield what is left at the end."""
        is_reasoning = self._state == "reasoning"
        if rest := self._take(len(self._pending)):
            yield TextPart(reasoning=rest) if is_reasoning else TextPart(content=rest)

    def _begin(self) -> None:
        """Decide what the text begins with, once enough of it is there."""
        start = self._pending.lstrip()
        if start.startswith(_OPEN):
            self._pending = start.removeprefix(_OPEN)
            self._state, self._skips_lines = "reasoning", True
        elif len(self._pending) > _START_MAX or (start and not _OPEN.startswith(start)):
            self._state = "text"

    def _reason(self) -> Iterator[TextPart]:
        """Yield reasoning, except what may be the beginning of its end."""
        self._skip_lines()
        end = self._pending.find(_CLOSE)
        if end >= 0:
            reasoning = self._take(end)
            self._take(len(_CLOSE))
            self._state, self._skips_lines = "text", True
        else:
            reasoning = self._take(len(self._pending) - _overlap(self._pending))
        if reasoning:
            yield TextPart(reasoning=reasoning)

    def _skip_lines(self) -> None:
        if self._skips_lines:
            self._pending = self._pending.lstrip("\r\n")
            self._skips_lines = not self._pending

    def _take(self, length: int) -> str:
        taken, self._pending = self._pending[:length], self._pending[length:]
        return taken


def _overlap(text: str) -> int:
    """Return how many characters at the end of a text may begin the closing tag."""
    lengths = range(min(len(text), len(_CLOSE) - 1), 0, -1)
    return next((n for n in lengths if text.endswith(_CLOSE[:n])), 0)
