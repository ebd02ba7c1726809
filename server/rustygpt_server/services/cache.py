"""Answers of the database that this process uses again, as long as they are true.

They are true as long as the control log was read on a moment ago and said nothing of what they
are about. What is kept has a bound; what was used longest ago goes first.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

from rustygpt_server.clock import Clock

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MAX_ENTRIES = 20_000


class _Entry(NamedTuple, Generic[V]):
    value: V
    version: int
    until: float
    tags: tuple[Hashable, ...]


class InvalidationCache(Generic[K, V]):
    """Answers of one kind."""

    def __init__(
        self,
        is_current: Callable[[], bool],
        clock: Clock,
        seconds: float,
        size: int = MAX_ENTRIES,
    ) -> None:
        self.version = 0
        """Counts what was heard; an answer asked for before a change may not tell of it."""
        self._is_current = is_current
        self._clock = clock
        self._seconds = seconds
        self._size = size
        self._entries: OrderedDict[K, _Entry[V]] = OrderedDict()
        self._invalidated_at: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()
        self._min_version = 0

    def get(self, key: K) -> V | None:
        """What is known, or None when the database has to be asked."""
        entry = self._entries.get(key)
        if entry is None or not self._is_current():
            return None
        if entry.until <= self._clock.monotonic() or self._is_invalidated(entry):
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return entry.value

    def put(self, key: K, value: V, version: int, *tags: Hashable) -> None:
        """Keep an answer that was asked for at a count of changes; what it is about, or its key."""
        until = self._clock.monotonic() + self._seconds
        entry = _Entry(value, version, until, tags or (key,))
        if version < self._min_version or self._is_invalidated(entry):
            return
        self._entries[key] = entry
        self._entries.move_to_end(key)
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)

    def invalidate(self, tag: Hashable) -> None:
        """Use nothing any more that was asked for before now and is about this."""
        now = self._clock.monotonic()
        self.version += 1
        self._invalidated_at[tag] = (self.version, now)
        self._invalidated_at.move_to_end(tag)
        while next(iter(self._invalidated_at.values()))[1] <= now - self._seconds:
            self._invalidated_at.popitem(last=False)  # nothing so old is kept

    def clear(self) -> None:
        """Use nothing any more that was asked for before now."""
        self.version += 1
        self._entries.clear()
        self._min_version = self.version

    def _is_invalidated(self, entry: _Entry[V]) -> bool:
        return any(self._invalidated_at.get(one, (0, 0.0))[0] > entry.version for one in entry.tags)
