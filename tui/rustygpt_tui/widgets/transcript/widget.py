"""The transcript widget: shows entries, lets a cursor walk over messages, tells what was done."""

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
    """A thread, message under message; one widget for any number of them."""

    BINDINGS = bindings("transcript")
    COMPONENT_CLASSES = COMPONENTS
    DEFAULT_CSS = CSS
    ALLOW_SELECT = True

    class CursorMoved(Message):
        """Another message is selected."""

    class EndSeen(Message):
        """The reader has the end of the thread before the eyes."""

    class NearEnd(Message):
        """The reader comes near the end of what is loaded."""

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
        """`text_of` answers the text so far of an answer in progress."""
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
        """What is shown, in order."""
        return self.entry_layout.entries

    @property
    def selected(self) -> Entry | None:
        """The entry under the cursor."""
        index = self.entry_layout.index(self._selected) if self._selected else None
        return None if index is None else self.entry_layout.entries[index]

    def selected_or_lowest(self) -> Entry | None:
        """The entry under the cursor; where there is no cursor, it goes to the lowest in view."""
        if self.selected is None and len(self.entry_layout):
            lowest = self.entry_layout.find(self.scroll_offset.y + self.size.height - 1)[0]
            self._selected = self.entry_layout.entries[lowest].id
            self.refresh()
        return self.selected

    def show(self, entries: Sequence[Entry], *, new_count: int = 0) -> None:
        """Show these entries; `fresh` of them are news to a reader who scrolled up."""
        with self.keep_anchor():
            self.entry_layout.set_entries(entries)
        self._new_below = 0 if self.following else self._new_below + new_count
        self._post_end()

    def set_messages(self, messages: Iterable[MessageView], context: EntryContext) -> None:
        """Show a thread's messages, which come in the order of their paths."""
        self.show(self._entry_list.reset(messages, context))

    def update_messages(
        self, messages: Iterable[MessageView], context: EntryContext, *, count_as_new: bool = True
    ) -> None:
        """Show further messages of the thread, or other forms of those that are shown.

        `news` tells whether a reader who scrolled up should hear of new ones.
        """
        self._entry_list.context = context
        self._splice(self._entry_list.upsert(messages), count_as_new=count_as_new)

    def remove_messages(self, ids: Iterable[UUID]) -> None:
        """Show these messages no more."""
        self._splice(self._entry_list.remove(ids), count_as_new=False)

    def show_message_instead(self, text: str) -> None:
        """Show words in the place of the messages, while those are on their way; "" ends it."""
        self._message_instead = text
        self.refresh()

    def clear(self) -> None:
        """Show nothing, and follow the end of what comes."""
        self.entry_layout.set_entries([])
        self._entry_list.reset([], self._entry_list.context)
        self._message_instead = ""
        self._selected, self._anchor, self._new_below, self.following = None, None, 0, True
        self.restore_anchor()
        self.refresh()

    def update_streaming(self, ids: Sequence[UUID]) -> None:
        """Answers in progress have more text."""
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
        """Move the cursor by messages; a long message is scrolled through first."""
        if not len(self.entry_layout):
            return
        index = self.entry_layout.index(self._selected) if self._selected else None
        if index is None:
            index = self.entry_layout.find(self.scroll_offset.y + self.size.height - 1)[0]
            step = 0
        elif self._scrolled_within(index, step):
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
        """Tell where the reader is."""
        if self.following:
            self._new_below = 0
        self._post_end()

    def notify_style_update(self) -> None:
        """The theme or a state changed: colours are looked up anew."""
        super().notify_style_update()
        self._style_cache = None

    def render_line(self, y: int) -> Strip:
        """One line of the view; only what is seen is ever made."""
        styles = self._style_cache = self._style_cache or StyleCache(self)
        if self._message_instead or not len(self.entry_layout):
            words = self._message_instead or self.empty
            return self._bar(styles, words if y == self.size.height // 3 else "", "empty")
        if self._new_below and y == self.size.height - 1:
            return self._bar(styles, f" ↓ {self._new_below} new ", "pill")
        row = y + self.scroll_offset.y
        found = self.entry_layout.line(row)
        if found is None:
            return Strip.blank(self.size.width, styles.base)
        entry, inner, line = found
        span = self.text_selection.get_span(row) if self.text_selection else None
        selection = self.screen.get_component_rich_style("screen--selection")
        drawn = to_strip((self._gutter(entry, inner), *line), styles, span, selection)
        drawn = drawn.crop_extend(0, self.size.width, styles.base)
        return drawn.apply_offsets(0, row)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text the mouse selected, without the marks at its left."""
        start = selection.start.y if selection.start else 0
        end = selection.end.y if selection.end else self.entry_layout.total - 1
        parts: list[tuple[Line, int, int | None]] = []
        for row in range(max(0, start), min(end, self.entry_layout.total - 1) + 1):
            found, span = self.entry_layout.line(row), selection.get_span(row)
            if found is None or span is None:
                continue
            entry, _, line = found
            stop = None if span[1] == -1 else max(0, span[1] - GUTTER)
            parts.append((line, max(span[0] - GUTTER, entry.indent, 0), stop))
        return selected_text(parts), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw what is selected."""
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Open a link, go to the news, or select the message that was clicked."""
        href = event.style.meta.get("link")
        if isinstance(href, str):
            self.post_message(self.LinkClicked(href))
        elif self._new_below and event.y == self.size.height - 1:
            self.action_end()
        elif not self._message_instead and (
            found := self.entry_layout.line(event.y + self.scroll_offset.y)
        ):
            self._selected = found[0].id
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
        """Scroll as little as shows the whole message, or its start when it is too long."""
        self.entry_layout.rendered(index)
        top, height = self.entry_layout.top(index), self.entry_layout.height(index)
        first, rows = self.scroll_offset.y, self.size.height
        if top < first or height > rows:
            self.go_to(self.entry_layout.entries[index].id)
        elif top + height > first + rows:
            self.scroll_to(y=top + height - rows)

    def _scrolled_within(self, index: int, step: int) -> bool:
        top, end = self.entry_layout.top(index), self.entry_layout.top(index + 1)
        first, last = self.scroll_offset.y, self.scroll_offset.y + self.size.height
        if not (top < last and end > first) or not step:
            return False
        if (step > 0 and end > last) or (step < 0 and top < first):
            self.scroll_to(y=first + step * 3)
            return True
        return False

    def _gutter(self, entry: Entry, row: int) -> Span:
        if entry.id != self._selected or row >= self.entry_layout.entry_height(entry.id) - 1:
            return Span(" " * GUTTER)
        return Span("▎ ", "mark" if self.has_focus else "mark.blurred")

    def _bar(self, styles: StyleCache, words: str, style: str) -> Strip:
        """Words in the middle of an otherwise empty line."""
        before = max(0, (self.entry_layout.width - width(words)) // 2)
        line: Line = (Span(" " * before), Span(words, style))
        drawn = to_strip(line, styles, None, styles.base)
        return drawn.crop_extend(0, self.size.width, styles.base)
