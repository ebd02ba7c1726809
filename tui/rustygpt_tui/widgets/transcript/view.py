"""A scrolled view whose reader keeps the line being read, whatever happens around it.

The place is a message and a row within it. After every change the view scrolls to where that row
now is, within the same frame; a reader at the end follows the end instead.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from textual import events
from textual.geometry import Offset, Size
from textual.scroll_view import ScrollView
from textual.selection import Selection

from rustygpt_tui.widgets.transcript.flow import Flow

MANY_ROWS = 1_000


class AnchoredView(ScrollView):
    """Scrolls over a `Flow`."""

    flow: Flow

    following = True
    """Whether the end is shown, and goes on being shown as more comes."""
    _place: tuple[UUID, int] | None = None
    """A message, and a row counted from its header: dividers above it come and go."""
    _placing = False

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Change the flow inside, and keep the reader's line where it is."""
        before = self._row_of_place()
        yield
        self.place()
        after = self._row_of_place()
        if before is not None and after is not None and before != after:
            self._shift_selection(after - before)
        self.refresh()

    def place(self) -> None:
        """Scroll to the reader's place, with exact heights around it."""
        height = self.size.height
        if not height or self._placing:
            return
        self._placing = True
        try:
            row = self._settled_row(height)
            self.virtual_size = Size(self.flow.width, self.flow.total)
            self.scroll_target_y = self.scroll_y = row
        finally:
            self._placing = False

    def go_to(self, id: UUID) -> None:
        """Show a message from its first row, dividers included."""
        self._place = (id, -MANY_ROWS)
        self.following = False
        self.place()
        self._take_place(self.scroll_offset.y)
        self.following = self.scroll_offset.y >= self.max_scroll_y
        self.refresh()

    def follow(self) -> None:
        """Show the end and stay there."""
        self.following = True
        self.place()
        self._take_place(self.scroll_offset.y)
        self.refresh()

    def scroll_to(self, x: float | None = None, y: float | None = None, **options: Any) -> None:
        """Scroll at once: an animation would fight with what keeps the place."""
        options["animate"] = False
        super().scroll_to(x, y, **options)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Take the row the reader scrolled to as the place."""
        super().watch_scroll_y(old_value, new_value)
        if not self._placing and round(old_value) != round(new_value):
            self._take_place(round(new_value))
            self.following = round(new_value) >= self.max_scroll_y
            self.place()
            self.scrolled()

    def scrolled(self) -> None:
        """Called after the reader scrolled."""

    def on_resize(self, event: events.Resize) -> None:
        """Make everything anew at the new width, around the same line."""
        width = self.scrollable_content_region.width
        if width != self.flow.width:
            self.flow.resize(width)
        self.place()
        self.refresh()

    def _settled_row(self, height: int) -> int:
        flow = self.flow
        if self.following or self._place is None:
            flow.settle_above(len(flow), 2 * height)
            self._take_place(max(0, flow.total - height))
            return max(0, flow.total - height)
        read, inner = self._place
        index = flow.index(read)
        if index is None:
            return min(self.scroll_offset.y, max(0, flow.total - height))
        flow.settle_above(index, 2 * height)
        flow.settle(index, inner + 2 * height)
        return self._row(index, inner)

    def _row(self, index: int, inner: int) -> int:
        inner += self.flow.entries[index].lead
        return self.flow.top(index) + max(0, min(inner, self.flow.height(index) - 1))

    def _take_place(self, row: int) -> None:
        if len(self.flow):
            index, inner = self.flow.find(row)
            entry = self.flow.entries[index]
            self._place = (entry.id, inner - entry.lead)

    def _row_of_place(self) -> int | None:
        if self._place is None:
            return None
        index = self.flow.index(self._place[0])
        return None if index is None else self._row(index, self._place[1])

    def _shift_selection(self, rows: int) -> None:
        """What the mouse selected stays selected when rows come in above it."""
        selection = self.text_selection
        if selection is not None:
            start, end = (point and Offset(point.x, point.y + rows) for point in selection)
            self.screen.selections = {**self.screen.selections, self: Selection(start, end)}
