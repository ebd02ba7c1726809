"""Finds which entries are on screen, and how much of them. No Textual import."""

from dataclasses import dataclass
from uuid import UUID

from rustygpt_tui.widgets.transcript.layout import Layout


@dataclass(frozen=True, slots=True)
class VisibleEntry:
    """An entry of which at least one row is on screen; dividers do not count."""

    id: UUID
    top_visible: bool
    """True when the first row of its text is on screen."""
    bottom_visible: bool
    """True when the last row of its text, or the status below it, is on screen."""


def visible_entries(layout: Layout, first: int, last: int) -> list[VisibleEntry]:
    """Return the entries in the rows from `first` to `last`, in order."""
    visible: list[VisibleEntry] = []
    if not len(layout) or last < first:
        return visible
    index: int | None = layout.find(first)[0]
    while index is not None and layout.top(index) <= last:
        header, text, end = text_rows(layout, index)
        if header <= last and end >= first:
            entry = layout.entries[index]
            visible.append(VisibleEntry(entry.id, first <= text <= last, first <= end <= last))
        index = layout.shown_from(index + 1, 1)
    return visible


def text_rows(layout: Layout, index: int) -> tuple[int, int, int]:
    """Return the rows of an entry's header, of the first row of its text, and of the last.

    Every entry ends with an empty row. Without a text, the header's row stands for it.
    """
    top = layout.top(index)
    header = top + layout.entries[index].divider_rows
    end = max(header, top + layout.height(index) - 2)
    return header, min(header + 1, end), end
