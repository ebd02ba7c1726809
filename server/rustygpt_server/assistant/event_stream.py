"""Server-sent events from model servers (WHATWG HTML, section 9.2.6), and what they send instead.

Some servers put errors in fields of their own, or send plain JSON as an event stream. What an event
means is decided in `openai_stream`.
"""

import codecs
import json
from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

from rustygpt_server.assistant.provider import ProviderError

EVENT_LIMIT = 1 << 20
"""Bytes of a line, and characters of an event, at most."""
RAW = "raw"
"""The name of what is no event: all lines that are no fields."""
_FIELDS = frozenset({"event", "id", "retry"})


class ServerEvent(NamedTuple):
    """One event; its name is `message` when it has none."""

    name: str
    data: str


async def read_events(chunks: AsyncIterator[bytes]) -> AsyncIterator[ServerEvent]:
    """Yield the events of a stream of bytes; raise ProviderError when one has no end."""
    parser = EventParser()
    async for line in read_lines(chunks):
        for event in parser.feed(line):
            yield event
    for event in parser.end():
        yield event


async def read_lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """Yield the lines of a stream of bytes, however the bytes are split."""
    pending = bytearray()  # grows in place: a long line in tiny parts would be copied each time
    is_first = True
    async for chunk in chunks:
        first, *others = chunk.split(b"\n")
        pending += first
        if len(pending) > EVENT_LIMIT:
            raise ProviderError("The model's server sent a line that has no end.")
        for part in others:
            yield _text(pending.removesuffix(b"\r"), is_first=is_first)
            pending = bytearray(part)
            is_first = False
    if pending:
        yield _text(pending, is_first=is_first)


def _text(line: bytearray, *, is_first: bool) -> str:
    if is_first:
        line = line.removeprefix(codecs.BOM_UTF8)
    return line.decode("utf-8", "replace")


class EventParser:
    """Makes events of lines."""

    def __init__(self) -> None:
        self._name = ""
        self._data: list[str] = []
        self._other: list[str] = []
        """Lines that are no fields; together they may be JSON."""
        self._size = 0

    def feed(self, line: str) -> Iterator[ServerEvent]:
        """Yield the events that a line completes; raise ProviderError when one is too long."""
        self._size += len(line) + 1
        if self._size > EVENT_LIMIT:
            raise ProviderError("The model's server sent an event that has no end.")
        field, colon, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line.strip():
            yield from self._take()
        elif field == "data":
            if len(self._data) == 1 and _is_complete(self._data[0]):  # the blank line is missing
                yield from self._take()
            self._data.append(value)
        elif field == "event":
            self._name = value.strip()
        elif field == "error" and colon:
            yield ServerEvent("error", value)
        elif colon and (not field or field in _FIELDS):
            self._size -= len(line) + 1
        else:
            self._other.append(line)

    def end(self) -> Iterator[ServerEvent]:
        """Yield what is left at the end of the stream."""
        yield from self._take()
        if self._other:
            yield ServerEvent(RAW, "\n".join(self._other))

    def _take(self) -> Iterator[ServerEvent]:
        data = "\n".join(self._data)
        if data.strip():
            yield ServerEvent(self._name or "message", data)
        self._size = sum(len(line) + 1 for line in self._other)
        self._name, self._data = "", []


def _is_complete(data: str) -> bool:
    """Return whether the first line of an event is all of it."""
    if data.strip() == "[DONE]":
        return True
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True
