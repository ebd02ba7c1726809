"""The transcript widget: draws entries, moves a cursor over messages, and reports input."""

from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from textual import events
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip

from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.render import Line, Span
from rustygpt_tui.render.selection import selected_text
from rustygpt_tui.render.text import width
from rustygpt_tui.widgets.bindings import bindings
from rustygpt_tui.widgets.transcript.entries import Entry, EntryContext
from rustygpt_tui.widgets.transcript.entry_list import EntryList, Splice
from rustygpt_tui.widgets.transcript.layout import Layout
from rustygpt_tui.widgets.transcript.rendered_entry import GUTTER
from rustygpt_tui.widgets.transcript.strips import to_strip
from rustygpt_tui.widgets.transcript.styles import COMPONENTS, CSS, StyleCache
from rustygpt_tui.widgets.transcript.view import AnchoredView


class Transcript(AnchoredView, can_focus=True):
    """The messages of a thread; only the lines in view are rendered."""

    BINDINGS = bindings("transcript")
    COMPONENT_CLASSES = COMPONENTS
    DEFAULT_CSS = CSS
    ALLOW_SELECT = True

    class CursorMoved(Message):
        """Another message is selected."""

    class EndSeen(Message):
        """The end of the thread is in view."""

    class NearEnd(Message):
        """The view is near the end of the loaded messages."""

    class LinkClicked(Message):
        """A link was clicked."""

        def __init__(self, href: str) -> None:
            super().__init__()
            self.href = href

    def __init__(
        self,
        text_of: Callable[[UUID], str | None] | None = None,
        *,
        id: str | None = None,
    ) -> None:
        """`text_of` returns the text so far of an answer in progress."""
        super().__init__(id=id)
        self.entry_layout = Layout(text_of or (lambda _: None))
        self.empty = ""
        self._message_instead = ""
        self._entry_list = EntryList(EntryContext(UUID(int=0), {}, {}))
        self._selected: UUID | None = None
        self._new_below = 0
        self._style_cache: StyleCache | None = None

    @property
    def entries(self) -> Sequence[Entry]:
        """The entries in order."""
        return self.entry_layout.entries

    @property
    def selected(self) -> Entry | None:
        """The entry under the cursor, None when there is no cursor."""
        index = self.entry_layout.index(self._selected) if self._selected else None
        return None if index is None else self.entry_layout.entries[index]

    def selected_or_lowest(self) -> Entry | None:
        """Return the entry under the cursor; without a cursor, select the lowest entry in view."""
        if self.selected is None and len(self.entry_layout):
            lowest = self.entry_layout.find(self.scroll_offset.y + self.size.height - 1)[0]
            self._selected = self.entry_layout.entries[lowest].id
            self.refresh()
        return self.selected

    def show(self, entries: Sequence[Entry], *, new_count: int = 0) -> None:
        """Show these entries; `new_count` of them are added to the count of new messages below."""
        with self.keep_anchor():
            self.entry_layout.set_entries(entries)
        self._new_below = 0 if self.following else self._new_below + new_count
        self._post_end()

    def set_messages(self, messages: Iterable[MessageView], context: EntryContext) -> None:
        """Show a thread's messages, given in the order of their paths."""
        self.show(self._entry_list.reset(messages, context))

    def update_messages(
        self, messages: Iterable[MessageView], context: EntryContext, *, count_as_new: bool = True
    ) -> None:
        """Add messages of the thread, or replace shown ones by another version.

        `count_as_new` adds them to the count of new messages below a scrolled-up view.
        """
        self._entry_list.context = context
        self._splice(self._entry_list.upsert(messages), count_as_new=count_as_new)

    def remove_messages(self, ids: Iterable[UUID]) -> None:
        """Remove messages."""
        self._splice(self._entry_list.remove(ids), count_as_new=False)

    def show_message_instead(self, text: str) -> None:
        """Show a text in place of the messages while they are loading; "" shows them again."""
        self._message_instead = text
        self.refresh()

    def clear(self) -> None:
        """Remove everything, and follow the end from now on."""
        self.entry_layout.set_entries([])
        self._entry_list.reset([], self._entry_list.context)
        self._message_instead = ""
        self._selected = None
        self._anchor = None
        self._new_below = 0
        self.following = True
        self.restore_anchor()
        self.refresh()

    def update_streaming(self, ids: Sequence[UUID]) -> None:
        """Draw the new text of answers in progress."""
        with self.keep_anchor():
            for message_id in ids:
                self.entry_layout.append_text(message_id)

    def select(self, id: UUID | None) -> None:
        """Move the cursor to a message and bring it into view."""
        index = self.entry_layout.index(id) if id else None
        if id is None or index is None:
            self._selected = None
        else:
            self._selected = id
            self._scroll_into_view(index)
        self.refresh()
        self.post_message(self.CursorMoved())

    def action_cursor(self, step: int) -> None:
        """Move the cursor by messages; a message taller than the view is scrolled first."""
        if not len(self.entry_layout):
            return
        index = self.entry_layout.index(self._selected) if self._selected else None
        if index is None:
            index = self.entry_layout.find(self.scroll_offset.y + self.size.height - 1)[0]
            step = 0
        elif self._scroll_within(index, step):
            return
        target = max(0, min(len(self.entry_layout) - 1, index + step))
        self.select(self.entry_layout.entries[target].id)
        if target == len(self.entry_layout) - 1 and step > 0:
            self.follow()

    def action_page(self, step: int) -> None:
        """Scroll by a page."""
        rows = max(1, self.size.height - 2)
        self.scroll_to(y=self.scroll_offset.y + step * rows)

    def action_start(self) -> None:
        """Go to the first message."""
        if len(self.entry_layout):
            self._selected = self.entry_layout.entries[0].id
            self.go_to(self._selected)
            self.post_message(self.CursorMoved())

    def action_end(self) -> None:
        """Go to the end and follow it."""
        self._selected = self.entry_layout.entries[-1].id if len(self.entry_layout) else None
        self.follow()
        self.scrolled()
        self.post_message(self.CursorMoved())

    def scrolled(self) -> None:
        """Reset the count of new messages at the end, and report the position."""
        if self.following:
            self._new_below = 0
        self._post_end()

    def notify_style_update(self) -> None:
        """Discard the cached styles, as the theme or the widget's state changed."""
        super().notify_style_update()
        self._style_cache = None

    def render_line(self, y: int) -> Strip:
        """Return one line of the view."""
        styles = self._style_cache = self._style_cache or StyleCache(self)
        if self._message_instead or not len(self.entry_layout):
            text = self._message_instead or self.empty
            return self._bar(styles, text if y == self.size.height // 3 else "", "empty")
        if self._new_below and y == self.size.height - 1:
            return self._bar(styles, f" ↓ {self._new_below} new ", "pill")
        row = y + self.scroll_offset.y
        located = self.entry_layout.line(row)
        if located is None:
            return Strip.blank(self.size.width, styles.base)
        entry, inner, line = located
        span = self.text_selection.get_span(row) if self.text_selection else None
        selection = self.screen.get_component_rich_style("screen--selection")
        strip = to_strip((self._gutter(entry, inner), *line), styles, span, selection)
        strip = strip.crop_extend(0, self.size.width, styles.base)
        return strip.apply_offsets(0, row)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the text selected by the mouse, without the gutter."""
        start = selection.start.y if selection.start else 0
        end = selection.end.y if selection.end else self.entry_layout.total - 1
        parts: list[tuple[Line, int, int | None]] = []
        for row in range(max(0, start), min(end, self.entry_layout.total - 1) + 1):
            located = self.entry_layout.line(row)
            span = selection.get_span(row)
            if located is None or span is None:
                continue
            entry, _, line = located
            stop = None if span[1] == -1 else max(0, span[1] - GUTTER)
            parts.append((line, max(span[0] - GUTTER, entry.indent, 0), stop))
        return selected_text(parts), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw the changed selection."""
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Report a clicked link, go to the new messages, or select the clicked message."""
        href = event.style.meta.get("link")
        if isinstance(href, str):
            self.post_message(self.LinkClicked(href))
        elif self._new_below and event.y == self.size.height - 1:
            self.action_end()
        elif not self._message_instead and (
            located := self.entry_layout.line(event.y + self.scroll_offset.y)
        ):
            self._selected = located[0].id
            self.refresh()
            self.post_message(self.CursorMoved())

    def _splice(self, splice: Splice, *, count_as_new: bool) -> None:
        if not splice.entries and splice.start == splice.stop:
            return
        with self.keep_anchor():
            self.entry_layout.splice(splice.start, splice.stop, splice.entries)
        self._new_below = 0 if self.following else self._new_below + splice.new_count * count_as_new
        self._post_end()

    def _post_end(self) -> None:
        if len(self.entry_layout) and not self._message_instead:
            if self.following and self.size.height:
                self.post_message(self.EndSeen())
            if self.scroll_offset.y > self.entry_layout.total - 4 * self.size.height:
                self.post_message(self.NearEnd())

    def _scroll_into_view(self, index: int) -> None:
        """Scroll just enough to show the complete message, or its start when it is too tall."""
        self.entry_layout.rendered(index)
        top = self.entry_layout.top(index)
        height = self.entry_layout.height(index)
        first = self.scroll_offset.y
        rows = self.size.height
        if top < first or height > rows:
            self.go_to(self.entry_layout.entries[index].id)
        elif top + height > first + rows:
            self.scroll_to(y=top + height - rows)

    def _scroll_within(self, index: int, step: int) -> bool:
        """Scroll within a message that extends beyond the view; return False when it does not."""
        top = self.entry_layout.top(index)
        end = self.entry_layout.top(index + 1)
        first = self.scroll_offset.y
        last = first + self.size.height
        if not (top < last and end > first) or not step:
            return False
        if (step > 0 and end > last) or (step < 0 and top < first):
            self.scroll_to(y=first + step * 3)
            return True
        return False

    def _gutter(self, entry: Entry, row: int) -> Span:
        if entry.id != self._selected or row >= self.entry_layout.entry_height(entry.id) - 1:
            return Span(" " * GUTTER)
        return Span("▎ ", "selected" if self.has_focus else "selected.blurred")

    def _bar(self, styles: StyleCache, text: str, style: str) -> Strip:
        """Return a line with a centred text."""
        before = max(0, (self.entry_layout.width - width(text)) // 2)
        line: Line = (Span(" " * before), Span(text, style))
        strip = to_strip(line, styles, None, styles.base)
        return strip.crop_extend(0, self.size.width, styles.base)
