"""A scroll view that keeps the line being read in place while entries around it change.

The position is a message and a row within it, never an absolute row. After every change the view
scrolls within the same frame to where that row is then; at the end it follows the end instead.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from textual import events
from textual.geometry import Offset, Size
from textual.scroll_view import ScrollView
from textual.selection import Selection

from rustygpt_tui.widgets.transcript.layout import Layout

MANY_ROWS = 1_000
"""More rows than the dividers of an entry have."""


class AnchoredView(ScrollView):
    """Scrolls over a `Layout`."""

    entry_layout: Layout

    following = True
    """True while the end is in view; new entries then scroll the view along."""
    _anchor: tuple[UUID, int] | None = None
    """A message, and a row counted from its header, as dividers above it come and go."""
    _restoring = False

    @contextmanager
    def keep_anchor(self) -> Iterator[None]:
        """Keep the line being read in place while the block changes the layout."""
        before = self._anchor_row()
        yield
        self.restore_anchor()
        after = self._anchor_row()
        if before is not None and after is not None and before != after:
            self._shift_selection(after - before)
        self.refresh()

    def restore_anchor(self) -> None:
        """Scroll to the anchor, with exact heights around it."""
        height = self.size.height
        if not height or self._restoring:
            return
        self._restoring = True
        try:
            row = self._measured_row(height)
            self.virtual_size = Size(self.entry_layout.width, self.entry_layout.total)
            self.scroll_y = row
            self.scroll_target_y = row
        finally:
            self._restoring = False

    def go_to(self, id: UUID) -> None:
        """Scroll to the first row of a message, its dividers included."""
        self._anchor = (id, -MANY_ROWS)
        self.following = False
        self.restore_anchor()
        self._set_anchor(self.scroll_offset.y)
        self.following = self.scroll_offset.y >= self.max_scroll_y
        self.refresh()

    def follow(self) -> None:
        """Scroll to the end and follow it."""
        self.following = True
        self.restore_anchor()
        self._set_anchor(self.scroll_offset.y)
        self.refresh()

    def scroll_to(self, x: float | None = None, y: float | None = None, **options: Any) -> None:
        """Scroll without animation, which would conflict with restoring the anchor."""
        options["animate"] = False
        super().scroll_to(x, y, **options)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Set the anchor to the row that the user scrolled to."""
        super().watch_scroll_y(old_value, new_value)
        if not self._restoring and round(old_value) != round(new_value):
            self._set_anchor(round(new_value))
            self.following = round(new_value) >= self.max_scroll_y
            self.restore_anchor()
            self.scrolled()

    def scrolled(self) -> None:
        """Called after the user scrolled."""

    def on_resize(self, event: events.Resize) -> None:
        """Lay out again at the new width, around the same line."""
        width = self.scrollable_content_region.width
        if width != self.entry_layout.width:
            self.entry_layout.resize(width)
        self.restore_anchor()
        self.refresh()

    def _measured_row(self, height: int) -> int:
        """Return the first row of the view, after making the heights around it exact."""
        entry_layout = self.entry_layout
        if self.following or self._anchor is None:
            entry_layout.measure_above(len(entry_layout), 2 * height)
            self._set_anchor(max(0, entry_layout.total - height))
            return max(0, entry_layout.total - height)
        message_id, inner = self._anchor
        index = entry_layout.index(message_id)
        if index is None:
            return min(self.scroll_offset.y, max(0, entry_layout.total - height))
        entry_layout.measure_above(index, 2 * height)
        entry_layout.measure(index, inner + 2 * height)
        return self._row(index, inner)

    def _row(self, index: int, inner: int) -> int:
        inner += self.entry_layout.entries[index].divider_rows
        last = self.entry_layout.height(index) - 1
        return self.entry_layout.top(index) + max(0, min(inner, last))

    def _set_anchor(self, row: int) -> None:
        if len(self.entry_layout):
            index, inner = self.entry_layout.find(row)
            entry = self.entry_layout.entries[index]
            self._anchor = (entry.id, inner - entry.divider_rows)

    def _anchor_row(self) -> int | None:
        if self._anchor is None:
            return None
        index = self.entry_layout.index(self._anchor[0])
        return None if index is None else self._row(index, self._anchor[1])

    def _shift_selection(self, rows: int) -> None:
        """Move the mouse selection with its text when rows are added or removed above it."""
        selection = self.text_selection
        if selection is not None:
            start, end = (point and Offset(point.x, point.y + rows) for point in selection)
            self.screen.selections = {**self.screen.selections, self: Selection(start, end)}
