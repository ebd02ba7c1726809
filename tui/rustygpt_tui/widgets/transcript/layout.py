"""Maps rows of the transcript to entries and their rendered lines. No Textual import.

A virtual list: the height of an entry is an estimate until it is rendered, and only entries near
the view are rendered. Entries are in the order of their paths, which finds them by binary search.
"""

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Sequence
from uuid import UUID

from rustygpt_tui.render import Line
from rustygpt_tui.widgets.transcript.entries import Entry
from rustygpt_tui.widgets.transcript.heights import Heights
from rustygpt_tui.widgets.transcript.rendered_entry import (
    RenderedEntry,
    append_text,
    estimate_rows,
    render_entry,
)

MAX_CACHED_ENTRIES = 400


class Layout:
    """Stacked entries at one width, the most recently rendered of them cached."""

    def __init__(self, text_of: Callable[[UUID], str | None]) -> None:
        """`text_of` returns the text so far of an answer in progress."""
        self._text_of = text_of
        self.width = 80
        self.entries: list[Entry] = []
        self._paths: dict[UUID, str] = {}
        self._heights = Heights()
        self._rendered: OrderedDict[UUID, RenderedEntry] = OrderedDict()

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def total(self) -> int:
        """The number of rows of all entries."""
        return self._heights.total

    def index(self, id: UUID) -> int | None:
        """Return the index of a message's entry, None when there is none."""
        path = self._paths.get(id)
        return None if path is None else bisect_left(self.entries, path, key=_path)

    def top(self, index: int) -> int:
        """Return the first row of an entry."""
        return self._heights.top(index)

    def height(self, index: int) -> int:
        """Return the number of rows of an entry, an estimate unless it is rendered."""
        return self._heights[index]

    def entry_height(self, id: UUID) -> int:
        """Return the number of rows of a message, 0 when it has no entry."""
        index = self.index(id)
        return 0 if index is None else self._heights[index]

    def find(self, row: int) -> tuple[int, int]:
        """Return the index of the entry at a row and the row within it.

        Raises IndexError when there are no entries.
        """
        return self._heights.find(row)

    def set_entries(self, entries: Sequence[Entry]) -> None:
        """Replace all entries; equal ones at both ends stay rendered."""
        before = self.entries
        head = 0
        tail = 0
        shorter = min(len(before), len(entries))
        while head < shorter and before[head] == entries[head]:
            head += 1
        while tail < shorter - head and before[-1 - tail] == entries[-1 - tail]:
            tail += 1
        self.splice(head, len(before) - tail, entries[head : len(entries) - tail])

    def splice(self, start: int, stop: int, entries: Sequence[Entry]) -> None:
        """Replace the entries from `start` up to, not including, `stop`; equal ones stay."""
        old = {entry.id: index for index, entry in enumerate(self.entries[start:stop], start)}
        for id_ in old:
            del self._paths[id_]
        entries_after: list[Entry] = []
        heights: list[int] = []
        for entry in entries:
            index = old.get(entry.id)
            if index is not None and self.entries[index] == entry:
                entries_after.append(self.entries[index])
                heights.append(self._heights[index])
            else:
                self._rendered.pop(entry.id, None)
                entries_after.append(entry)
                heights.append(estimate_rows(entry, self.width))
            self._paths[entry.id] = entry.message.path
        self.entries[start:stop] = entries_after
        self._heights.splice(start, stop, heights)

    def resize(self, width: int) -> None:
        """Set another width, which discards all rendered entries."""
        self.width = width
        self._rendered.clear()
        self._heights = Heights(estimate_rows(entry, width) for entry in self.entries)

    def measure(self, first: int, rows: int) -> None:
        """Render entries from `first` down until they have at least `rows` rows."""
        index = first
        while index < len(self.entries) and rows > 0:
            rows -= self.rendered(index).height
            index += 1

    def measure_above(self, index: int, rows: int) -> None:
        """Render entries above `index` until they have at least `rows` rows."""
        while index > 0 and rows > 0:
            index -= 1
            rows -= self.rendered(index).height

    def rendered(self, index: int) -> RenderedEntry:
        """Return the rendered entry, from the cache if possible; its height is exact afterwards."""
        entry = self.entries[index]
        rendered = self._rendered.get(entry.id)
        if rendered is None or rendered.entry is not entry:
            rendered = render_entry(entry, self.width, self._text_of(entry.id))
            self._rendered[entry.id] = rendered
            while len(self._rendered) > MAX_CACHED_ENTRIES:
                self._rendered.popitem(last=False)
        self._rendered.move_to_end(entry.id)
        self._heights.set(index, rendered.height)
        return rendered

    def append_text(self, id: UUID) -> None:
        """Update a rendered answer in progress, whose text has grown."""
        index = self.index(id)
        rendered = self._rendered.get(id)
        if index is not None and rendered is not None:
            append_text(rendered, self._text_of(id) or "")
            self._heights.set(index, rendered.height)

    def line(self, row: int) -> tuple[Entry, int, Line] | None:
        """Return the entry at a row, the row within it and its line; None outside."""
        if not 0 <= row < self.total:
            return None
        index, inner = self.find(row)
        return self.entries[index], inner, self.rendered(index).line(inner)


def _path(entry: Entry) -> str:
    return entry.message.path
