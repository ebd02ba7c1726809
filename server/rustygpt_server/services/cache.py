"""A cache of database results that are invalidated by access changes.

An entry is valid while the access-change log is read up to date and had no change for one of the
entry's tags. The size is bounded; the least recently used entry is dropped first (LRU).
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
    expires_at: float
    tags: tuple[Hashable, ...]


class InvalidationCache(Generic[K, V]):
    """Cached results of one kind."""

    def __init__(
        self,
        is_current: Callable[[], bool],
        clock: Clock,
        seconds: float,
        size: int = MAX_ENTRIES,
    ) -> None:
        """`is_current` returns False while invalidations may be missing; nothing is used then.

        `seconds`: how long an entry is used at most.
        """
        self.version = 0
        """The number of invalidations; see `put`."""
        self._is_current = is_current
        self._clock = clock
        self._seconds = seconds
        self._size = size
        self._entries: OrderedDict[K, _Entry[V]] = OrderedDict()
        self._invalidated_at: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()
        """By tag: the version and the time of its last invalidation, the oldest first."""
        self._min_version = 0

    def get(self, key: K) -> V | None:
        """Return a cached result, or None if the database has to be queried."""
        entry = self._entries.get(key)
        if entry is None or not self._is_current():
            return None
        if entry.expires_at <= self._clock.monotonic() or self._is_invalidated(entry):
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return entry.value

    def put(self, key: K, value: V, version: int, *tags: Hashable) -> None:
        """Cache a result; without tags, its key is its tag.

        `version` is that of the cache before the query started: a result that an invalidation
        overtook is not cached.
        """
        expires_at = self._clock.monotonic() + self._seconds
        entry = _Entry(value, version, expires_at, tags or (key,))
        if version < self._min_version or self._is_invalidated(entry):
            return
        self._entries[key] = entry
        self._entries.move_to_end(key)
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)

    def invalidate(self, tag: Hashable) -> None:
        """Invalidate all results with a tag, and those of queries that are in flight."""
        now = self._clock.monotonic()
        self.version += 1
        self._invalidated_at[tag] = (self.version, now)
        self._invalidated_at.move_to_end(tag)
        while next(iter(self._invalidated_at.values()))[1] <= now - self._seconds:
            self._invalidated_at.popitem(last=False)  # all entries from before it have expired

    def clear(self) -> None:
        """Invalidate all results, and those of queries that are in flight."""
        self.version += 1
        self._entries.clear()
        self._min_version = self.version

    def statistics(self) -> dict[str, int]:
        """Return the number of `entries` and of remembered `invalidations`."""
        return {"entries": len(self._entries), "invalidations": len(self._invalidated_at)}

    def _is_invalidated(self, entry: _Entry[V]) -> bool:
        return any(self._invalidated_at.get(tag, (0, 0.0))[0] > entry.version for tag in entry.tags)
