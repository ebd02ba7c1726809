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

ENTRIES = 20_000


class _Kept(NamedTuple, Generic[V]):
    value: V
    since: int
    until: float
    about: tuple[Hashable, ...]


class Cache(Generic[K, V]):
    """Answers of one kind."""

    def __init__(
        self,
        is_current: Callable[[], bool],
        clock: Clock,
        seconds: float,
        size: int = ENTRIES,
    ) -> None:
        self.changes = 0
        """Counts what was heard; an answer asked for before a change may not tell of it."""
        self._is_current = is_current
        self._clock = clock
        self._seconds = seconds
        self._size = size
        self._kept: OrderedDict[K, _Kept[V]] = OrderedDict()
        self._changed: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()
        self._floor = 0

    def get(self, key: K) -> V | None:
        """What is known, or None when the database has to be asked."""
        kept = self._kept.get(key)
        if kept is None or not self._is_current():
            return None
        if kept.until <= self._clock.monotonic() or self._is_changed(kept):
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return kept.value

    def put(self, key: K, value: V, since: int, *about: Hashable) -> None:
        """Keep an answer that was asked for at a count of changes; what it is about, or its key."""
        until = self._clock.monotonic() + self._seconds
        kept = _Kept(value, since, until, about or (key,))
        if since < self._floor or self._is_changed(kept):
            return
        self._kept[key] = kept
        self._kept.move_to_end(key)
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)

    def change(self, about: Hashable) -> None:
        """Use nothing any more that was asked for before now and is about this."""
        now = self._clock.monotonic()
        self.changes += 1
        self._changed[about] = (self.changes, now)
        self._changed.move_to_end(about)
        while next(iter(self._changed.values()))[1] <= now - self._seconds:
            self._changed.popitem(last=False)  # nothing so old is kept

    def clear(self) -> None:
        """Use nothing any more that was asked for before now."""
        self.changes += 1
        self._kept.clear()
        self._floor = self.changes

    def _is_changed(self, kept: _Kept[V]) -> bool:
        return any(self._changed.get(one, (0, 0.0))[0] > kept.since for one in kept.about)
