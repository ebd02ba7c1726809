"""Rendered messages, the least recently used of them dropped beyond a number of bytes."""

from collections import OrderedDict
from typing import Final, NamedTuple
from uuid import UUID

from rustygpt_server.clock import Clock

MAX_BYTES: Final = 16 * 1024 * 1024
_ENTRY_BYTES: Final = 400
"""What an entry takes besides its HTML."""

Key = tuple[UUID, bytes]
"""A message's id and the digest of its text. The id keeps others from learning, by the time that a
response takes, whether a text was posted before."""


class _Entry(NamedTuple):
    html: str
    bytes: int
    expires_at: float | None


class HtmlCache:
    """HTML by message and revision."""

    def __init__(self, clock: Clock, max_bytes: int = MAX_BYTES) -> None:
        self._clock = clock
        self._max_bytes = max_bytes
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()
        self.bytes = 0
        """What all entries take."""

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> str | None:
        """Return the HTML, None when it has to be rendered."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.expires_at is not None and entry.expires_at <= self._clock.monotonic():
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry.html

    def put(self, key: Key, html: str, seconds: float | None = None) -> None:
        """Keep HTML, for a number of seconds if given."""
        self._drop(key)
        expires_at = None if seconds is None else self._clock.monotonic() + seconds
        # Python stores a text with one character beyond Latin-1 with two or four bytes each.
        size = _ENTRY_BYTES + len(html) * (1 if html.isascii() else 4)
        self._entries[key] = _Entry(html, size, expires_at)
        self.bytes += size
        while self.bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: Key) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.bytes -= entry.bytes
