"""A scroll view that keeps the line being read in place while entries around it change.

The position is a message and a row relative to its header, never an absolute row. After every
change the view scrolls within the same frame to where that row is then; at the end of the thread it
follows the end instead.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from textual import events
from textual.geometry import Offset, Size
from textual.scroll_view import ScrollView
from textual.selection import Selection

from rustygpt_tui.widgets.transcript.layout import Layout
from rustygpt_tui.widgets.transcript.reports import TranscriptReports


class AnchoredView(TranscriptReports, ScrollView):
    """Scrolls over a `Layout`."""

    entry_layout: Layout

    following = True
    """True while the end of the thread is in view; new entries then scroll the view along."""
    _anchor: tuple[UUID, int] | None = None
    """A message, and the row at the top of the view counted from its header, as dividers above it
    come and go."""
    _restoring = False
    _change_reported = False

    @property
    def place(self) -> tuple[UUID, int] | None:
        """The message at the top of the view, and the view's first row counted from its header."""
        return self._anchor

    @property
    def anchor_id(self) -> UUID | None:
        """The message at the top of the view."""
        return self._anchor[0] if self._anchor else None

    @contextmanager
    def keep_anchor(self, renamed: Mapping[UUID, UUID] | None = None) -> Iterator[None]:
        """Keep the line being read in place while the block changes the layout.

        When its message disappears, the next message in view stays in place. `renamed` are new ids
        of messages, by their ids before.
        """
        before = self._anchor_row()
        in_view = self._headers_in_view()
        yield
        if self._anchor is not None and renamed:
            self._anchor = (renamed.get(self._anchor[0], self._anchor[0]), self._anchor[1])
        self._replace_lost_anchor(in_view)
        self.restore_anchor()
        after = self._anchor_row()
        if before is not None and after is not None and before != after:
            self._shift_selection(after - before)
        self.refresh()

    def restore_anchor(self) -> None:
        """Scroll to the anchor, with exact heights around it."""
        self.report_change()
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

    def report_change(self) -> None:
        """Post `ViewChanged` after the next refresh, once for all changes until then."""
        if not self._change_reported:
            self._change_reported = self.call_after_refresh(self._post_change)

    def go_to(self, id: UUID, row: int | None = None) -> None:
        """Scroll to a row counted from the header of a message; by default to its dividers."""
        index = self.entry_layout.shown_index(id)
        if index is not None:
            dividers = self.entry_layout.entries[index].divider_rows
            self._anchor = (id, -dividers if row is None else row)
            self.following = False
            self.restore_anchor()
            if self.size.height:
                self._set_anchor(self.scroll_offset.y)
                self.following = self._is_at_end()
            self.refresh()

    def follow(self) -> None:
        """Scroll to the end and follow it."""
        self.following = True
        self.restore_anchor()
        self._set_anchor(self.scroll_offset.y)
        self.refresh()

    def scroll_to(self, x: float | None = None, y: float | None = None, **options: Any) -> None:
        """Scroll at once and without animation, which would conflict with restoring the anchor."""
        options |= {"animate": False, "immediate": True}
        super().scroll_to(x, y, **options)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Set the anchor to the row that the user scrolled to."""
        super().watch_scroll_y(old_value, new_value)
        if not self._restoring and round(old_value) != round(new_value):
            self._set_anchor(round(new_value))
            self.following = self._is_at_end()
            self.restore_anchor()
            self.scrolled()

    def scrolled(self) -> None:
        """Called when the view was scrolled or resized."""

    def on_resize(self, event: events.Resize) -> None:
        """Lay out again at the new width, around the same line."""
        width = self.scrollable_content_region.width
        if width != self.entry_layout.width:
            self.entry_layout.resize(width)
        self.restore_anchor()
        self._follow_at_end()
        self.scrolled()
        self.refresh()

    def _is_at_end(self) -> bool:
        """Return whether the end of the thread is in view."""
        return self.scroll_offset.y >= self.max_scroll_y and not self.entry_layout.more_below

    def _follow_at_end(self) -> None:
        """Follow the end if a change brought it into view."""
        if self.size.height and len(self.entry_layout):
            self.following = self.following or self._is_at_end()

    def _post_change(self) -> None:
        self._change_reported = False
        self.post_message(self.ViewChanged())

    def _measured_row(self, height: int) -> int:
        """Return the first row of the view, after making the heights around it exact."""
        entry_layout = self.entry_layout
        if self.following or self._anchor is None:
            entry_layout.measure_above(len(entry_layout), 2 * height)
            self._set_anchor(max(0, entry_layout.total - height))
            return max(0, entry_layout.total - height)
        message_id, inner = self._anchor
        index = entry_layout.shown_index(message_id)
        if index is None:
            return min(self.scroll_offset.y, max(0, entry_layout.total - height))
        entry_layout.measure_above(index, 2 * height)
        entry_layout.measure(index, max(0, inner) + 2 * height)
        return self._row(index, inner)

    def _row(self, index: int, inner: int) -> int:
        """Return the row at an anchor; it may be above the entry, but not below it."""
        top = self.entry_layout.top(index)
        last = top + self.entry_layout.height(index) - 1
        return max(0, min(top + self.entry_layout.entries[index].divider_rows + inner, last))

    def _set_anchor(self, row: int) -> None:
        """Anchor at the message at a row; at the empty row at its end, at the next message."""
        entry_layout = self.entry_layout
        if not len(entry_layout):
            return
        index, inner = entry_layout.find(row)
        below = entry_layout.shown_from(index + 1, 1)
        if below is not None and inner == entry_layout.height(index) - 1:
            index, inner = below, row - entry_layout.top(below)
        entry = entry_layout.entries[index]
        self._anchor = (entry.id, inner - entry.divider_rows)

    def _anchor_row(self) -> int | None:
        if self._anchor is None:
            return None
        index = self.entry_layout.shown_index(self._anchor[0])
        return None if index is None else self._row(index, self._anchor[1])

    def _headers_in_view(self) -> list[tuple[UUID, int]]:
        """Return the messages in view, with the row of the view that their header is in."""
        first = self._anchor_row()
        headers: list[tuple[UUID, int]] = []
        if first is None:
            return headers
        index: int | None = self.entry_layout.find(first)[0]
        while index is not None and self.entry_layout.top(index) < first + self.size.height:
            entry = self.entry_layout.entries[index]
            headers.append((entry.id, self.entry_layout.top(index) + entry.divider_rows - first))
            index = self.entry_layout.shown_from(index + 1, 1)
        return headers

    def _replace_lost_anchor(self, in_view: list[tuple[UUID, int]]) -> None:
        """Anchor at a message that was in view when the message of the anchor is gone."""
        if self._anchor is None or self.entry_layout.shown_index(self._anchor[0]) is not None:
            return
        for message_id, row in in_view:
            if self.entry_layout.shown_index(message_id) is not None:
                self._anchor = (message_id, -row)
                return
        index = self.entry_layout.index(self._anchor[0])
        above = None if index is None else self.entry_layout.shown_from(index, -1)
        if above is not None:  # it is hidden now, below this one
            self._anchor = (self.entry_layout.entries[above].id, 0)

    def _shift_selection(self, rows: int) -> None:
        """Move the mouse selection with its text when rows are added or removed above it."""
        selection = self.text_selection
        if selection is not None:
            start, end = (point and Offset(point.x, point.y + rows) for point in selection)
            self.screen.selections = {**self.screen.selections, self: Selection(start, end)}
