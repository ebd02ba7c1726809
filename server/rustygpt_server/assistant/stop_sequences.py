"""Stop sequences: texts before which an answer ends, however its server splits the text."""

from collections.abc import Sequence


class StopFilter:
    """Passes text on up to the first stop sequence; holds back what may be the beginning of one."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._pending = ""
        self.found = False
        """True once a stop sequence has appeared; no text follows."""

    def feed(self, text: str) -> str:
        """Return the text that is certainly before a stop sequence."""
        if self.found:
            return ""
        self._pending += text
        places = [self._pending.find(stop) for stop in self._stops]
        found = [place for place in places if place >= 0]
        if found:
            self.found = True
            return self._take(min(found))
        return self._take(len(self._pending) - self._overlap())

    def end(self) -> str:
        """Return what was held back, when no more text follows."""
        return "" if self.found else self._take(len(self._pending))

    def _overlap(self) -> int:
        """Return how many characters at the end may begin a stop sequence."""
        longest = max((len(stop) for stop in self._stops), default=1) - 1
        lengths = range(min(len(self._pending), longest), 0, -1)
        tail = self._pending
        return next(
            (n for n in lengths if any(stop.startswith(tail[-n:]) for stop in self._stops)), 0
        )

    def _take(self, length: int) -> str:
        taken, self._pending = self._pending[:length], self._pending[length:]
        return taken
