"""Where every entry stands, and which line the reader looks at.

Pure: rows and pages, no widget. The reader's place is a message and a row within it, never a row
of the whole, so nothing that happens above moves the line being read. Entries stand in the order
of their paths, by which they are found, so that one that comes in between costs its neighbours
nothing.
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
    """Entries one under the other at one width; heights are estimates until a page was made."""

    def __init__(self, text_of: Callable[[UUID], str | None]) -> None:
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
        """Rows of everything."""
        return self._heights.total

    def index(self, id: UUID) -> int | None:
        """The place of a message."""
        path = self._paths.get(id)
        return None if path is None else bisect_left(self.entries, path, key=_path)

    def top(self, index: int) -> int:
        """The row at which an entry starts."""
        return self._heights.top(index)

    def height(self, index: int) -> int:
        """Rows of an entry, as far as they are known."""
        return self._heights[index]

    def entry_height(self, id: UUID) -> int:
        """Rows of a message, 0 when it is not shown."""
        index = self.index(id)
        return 0 if index is None else self._heights[index]

    def find(self, row: int) -> tuple[int, int]:
        """The entry at a row, and the row within it; IndexError when there is none."""
        return self._heights.find(row)

    def set_entries(self, shown: Sequence[Entry]) -> None:
        """Show these entries; what stays the same keeps its page."""
        known, start, rest = self.entries, 0, 0
        shorter = min(len(known), len(shown))
        while start < shorter and known[start] == shown[start]:
            start += 1
        while rest < shorter - start and known[-1 - rest] == shown[-1 - rest]:
            rest += 1
        self.splice(start, len(known) - rest, shown[start : len(shown) - rest])

    def splice(self, start: int, stop: int, entries: Sequence[Entry]) -> None:
        """Show other entries in the place of those from `start` up to `stop`."""
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
        """Show everything at another width."""
        self.width = width
        self._rendered.clear()
        self._heights = Heights(estimate_rows(entry, width) for entry in self.entries)

    def measure(self, first: int, rows: int) -> None:
        """Make heights exact from an entry on until so many rows are reached."""
        index = first
        while index < len(self.entries) and rows > 0:
            rows -= self.rendered(index).height
            index += 1

    def measure_above(self, index: int, rows: int) -> None:
        """Make heights exact above an entry until so many rows are reached."""
        while index > 0 and rows > 0:
            index -= 1
            rows -= self.rendered(index).height

    def rendered(self, index: int) -> RenderedEntry:
        """The page of an entry, made when it is not there; its height is exact from now on."""
        entry = self.entries[index]
        found = self._rendered.get(entry.id)
        if found is None or found.entry is not entry:
            found = render_entry(entry, self.width, self._text_of(entry.id))
            self._rendered[entry.id] = found
            while len(self._rendered) > MAX_CACHED_ENTRIES:
                self._rendered.popitem(last=False)
        self._rendered.move_to_end(entry.id)
        self._heights.set(index, found.height)
        return found

    def append_text(self, id: UUID) -> None:
        """An answer in progress has more text."""
        index, found = self.index(id), self._rendered.get(id)
        if index is not None and found is not None:
            append_text(found, self._text_of(id) or "")
            self._heights.set(index, found.height)

    def line(self, row: int) -> tuple[Entry, int, Line] | None:
        """The entry at a row, the row within it, and its line; None below the end."""
        if not 0 <= row < self.total:
            return None
        index, inner = self.find(row)
        return self.entries[index], inner, self.rendered(index).line(inner)


def _path(entry: Entry) -> str:
    return entry.message.path
