"""Maps rows of the transcript to entries and their rendered lines. No Textual import.

A virtual list: the height of an entry is an estimate until it is rendered, and only entries near
the view are rendered. Entries are in the order of their paths, which finds them by binary search.
Where the thread goes on beyond the entries, a row above the first or below the last one says so.
"""

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Sequence
from uuid import UUID

from rustygpt_tui.render import Line
from rustygpt_tui.render.tasks import ColourTask, Task
from rustygpt_tui.render.text_renderer import TextRenderer
from rustygpt_tui.widgets.transcript.entries import Entry
from rustygpt_tui.widgets.transcript.heights import Heights
from rustygpt_tui.widgets.transcript.live_answer import LiveAnswer
from rustygpt_tui.widgets.transcript.rendered_entry import (
    RenderedEntry,
    append_text,
    estimate_rows,
    recolour,
    render_entry,
    show_live,
    streamed_lines,
)

MAX_CACHED_ENTRIES = 400
EARLIER = "⋯ earlier messages"
LATER = "⋯ later messages"


class Layout:
    """Stacked entries at one width, the most recently rendered of them cached."""

    def __init__(
        self,
        text_of: Callable[[UUID], str | None],
        renderer: TextRenderer | None = None,
        live_of: Callable[[UUID], LiveAnswer | None] = lambda _: None,
    ) -> None:
        """`text_of` returns the text so far of an answer in progress, `live_of` the rest of it."""
        self._text_of = text_of
        self._live_of = live_of
        self._renderer = renderer or TextRenderer()
        self.width = 80
        self.entries: list[Entry] = []
        self.more_above = False
        """True when a row above the first entry says that there are earlier messages."""
        self.more_below = False
        """True when a row below the last entry says that there are later messages."""
        self._paths: dict[UUID, str] = {}
        self._heights = Heights()
        self._rendered: OrderedDict[UUID, RenderedEntry] = OrderedDict()
        self._replaced: dict[UUID, RenderedEntry] = {}
        """Answers that have ended, as they were shown while in progress."""

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def total(self) -> int:
        """The number of rows of all entries, with the rows above and below them."""
        return self._heights.total + (self.more_above + self.more_below) * bool(self.entries)

    def index(self, id: UUID) -> int | None:
        """Return the index of a message's entry, None when there is none."""
        path = self._paths.get(id)
        return None if path is None else bisect_left(self.entries, path, key=_path)

    def top(self, index: int) -> int:
        """Return the first row of an entry; for an index past the end, the row after the last."""
        return self._heights.top(index) + self.more_above

    def height(self, index: int) -> int:
        """Return the number of rows of an entry, an estimate unless it is rendered."""
        return self._heights[index]

    def entry_height(self, id: UUID) -> int:
        """Return the number of rows of a message, 0 when it has no entry."""
        index = self.index(id)
        return 0 if index is None else self._heights[index]

    def find(self, row: int) -> tuple[int, int]:
        """Return the index of the entry at a row, never a hidden one, and the row within it.

        The row above the first entry is its row -1. Raises IndexError when there are no entries.
        """
        if row < self.more_above and self.entries:
            return 0, -1
        return self._heights.find(row - self.more_above)

    def shown_index(self, id: UUID) -> int | None:
        """Return the index of a message's entry, None when there is none or it is hidden."""
        index = self.index(id)
        return None if index is None or self.entries[index].hidden else index

    def shown_from(self, index: int, step: int) -> int | None:
        """Return the first index from `index` on, in steps of 1 or -1, of an entry not hidden."""
        while 0 <= index < len(self.entries):
            if not self.entries[index].hidden:
                return index
            index += step
        return None

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
            if index is not None and (self.entries[index] is entry or self.entries[index] == entry):
                entries_after.append(self.entries[index])
                heights.append(self._heights[index])
            else:
                self._replace(entry.id)
                entries_after.append(entry)
                heights.append(estimate_rows(entry, self.width))
            self._paths[entry.id] = entry.message.path
        self.entries[start:stop] = entries_after
        self._heights.splice(start, stop, heights)

    def resize(self, width: int) -> None:
        """Set another width, which discards all rendered entries."""
        self.width = width
        self._rendered.clear()
        self._replaced.clear()
        self._heights = Heights(estimate_rows(entry, width) for entry in self.entries)

    def measure(self, first: int, rows: int) -> None:
        """Render entries from `first` down until they have at least `rows` rows."""
        index = first
        while index < len(self.entries) and rows > 0:
            rows -= self._measured_height(index)
            index += 1

    def measure_above(self, index: int, rows: int) -> None:
        """Render entries above `index` until they have at least `rows` rows."""
        while index > 0 and rows > 0:
            index -= 1
            rows -= self._measured_height(index)

    def rendered(self, index: int) -> RenderedEntry:
        """Return the rendered entry, from the cache if possible; its height is exact afterwards."""
        entry = self.entries[index]
        rendered = self._rendered.get(entry.id)
        if rendered is None or rendered.entry is not entry:
            rendered = self._render(entry)
            self._rendered[entry.id] = rendered
            while len(self._rendered) > MAX_CACHED_ENTRIES:
                self._rendered.popitem(last=False)
        self._rendered.move_to_end(entry.id)
        self._heights.set(index, rendered.height)
        return rendered

    def append_text(self, id: UUID) -> bool:
        """Update a rendered answer in progress; return whether more of its text is to be added."""
        index = self.index(id)
        rendered = self._rendered.get(id)
        if index is None or rendered is None:
            return False
        has_more = append_text(rendered, self._renderer, self._text_of(id) or "")
        self._show_live(index, rendered)
        return has_more

    def update_live(self, id: UUID) -> None:
        """Update what is shown of a rendered answer in progress besides its text."""
        index = self.index(id)
        rendered = self._rendered.get(id)
        if index is not None and rendered is not None and rendered.stream is not None:
            self._show_live(index, rendered)

    def is_reasoning_row(self, index: int, row: int) -> bool:
        """Return whether a row of an entry is the one that folds and unfolds its reasoning."""
        rendered = self.rendered(index)
        return bool(rendered.reasoning) and row == len(rendered.head)

    def _show_live(self, index: int, rendered: RenderedEntry) -> None:
        live = self._live_of(rendered.entry.id)
        if live is not None and rendered.stream is not None:
            show_live(rendered, live)
        self._heights.set(index, rendered.height)

    def replace_rendered(self, task: Task) -> None:
        """Use the result of a task: in the entries that wait for it, or for colours of code."""
        for id_, rendered in list(self._rendered.items()):
            if rendered.task == task:
                del self._rendered[id_]
            elif isinstance(task, ColourTask):
                recolour(rendered)

    def line(self, row: int) -> tuple[Entry, int, Line] | None:
        """Return the entry at a row, the row within it and its line; None outside of entries."""
        if not self.more_above <= row < self.top(len(self.entries)):
            return None
        index, inner = self.find(row)
        return self.entries[index], inner, self.rendered(index).line(inner)

    def edge(self, row: int) -> str:
        """Return the text of a row above or below all entries, "" for other rows."""
        if self.entries and self.more_above and row == 0:
            return EARLIER
        if self.entries and self.more_below and row == self.total - 1:
            return LATER
        return ""

    def _render(self, entry: Entry) -> RenderedEntry:
        replaced = self._replaced.get(entry.id)
        shown = streamed_lines(replaced, entry.message.content) if replaced else None
        text = self._text_of(entry.id)
        live = self._live_of(entry.id) if entry.message.streaming else None
        rendered = render_entry(entry, self.width, self._renderer, text, shown, live)
        if rendered.task is None:
            self._replaced.pop(entry.id, None)
        return rendered

    def _replace(self, id: UUID) -> None:
        """Discard a rendered entry; what was shown of an answer in progress stays until its end."""
        rendered = self._rendered.pop(id, None)
        if rendered is not None and rendered.stream is not None:
            self._replaced = {id: rendered}

    def _measured_height(self, index: int) -> int:
        return 0 if self.entries[index].hidden else self.rendered(index).height


def _path(entry: Entry) -> str:
    return entry.message.path
