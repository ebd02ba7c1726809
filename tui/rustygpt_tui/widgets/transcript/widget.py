"""The transcript widget: shows entries, lets a cursor walk over messages, tells what was done."""

from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from textual import events
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip

from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.render import Line, Span
from rustygpt_tui.render.selecting import selected_text
from rustygpt_tui.render.text import width
from rustygpt_tui.widgets.bindings import bindings
from rustygpt_tui.widgets.transcript.arrangement import Arrangement, Splice
from rustygpt_tui.widgets.transcript.entries import Context, Entry
from rustygpt_tui.widgets.transcript.flow import Flow
from rustygpt_tui.widgets.transcript.page import GUTTER
from rustygpt_tui.widgets.transcript.palette import COMPONENTS, CSS, Palette
from rustygpt_tui.widgets.transcript.strips import strip
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

    class EndNear(Message):
        """The reader comes near the end of what is loaded."""

    class LinkChosen(Message):
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
        self.flow = Flow(text_of or (lambda _: None))
        self.empty = ""
        self._veil = ""
        self._thread = Arrangement(Context(UUID(int=0), {}, {}))
        self._selected: UUID | None = None
        self._fresh = 0
        self._palette: Palette | None = None

    @property
    def entries(self) -> Sequence[Entry]:
        """What is shown, in order."""
        return self.flow.entries

    @property
    def selected(self) -> Entry | None:
        """The entry under the cursor."""
        index = self.flow.index(self._selected) if self._selected else None
        return None if index is None else self.flow.entries[index]

    def pick(self) -> Entry | None:
        """The entry under the cursor; where there is no cursor, it goes to the lowest in view."""
        if self.selected is None and len(self.flow):
            lowest = self.flow.find(self.scroll_offset.y + self.size.height - 1)[0]
            self._selected = self.flow.entries[lowest].id
            self.refresh()
        return self.selected

    def show(self, entries: Sequence[Entry], *, fresh: int = 0) -> None:
        """Show these entries; `fresh` of them are news to a reader who scrolled up."""
        with self.changing():
            self.flow.put(entries)
        self._fresh = 0 if self.following else self._fresh + fresh
        self._tell_end()

    def begin(self, messages: Iterable[MessageView], context: Context) -> None:
        """Show a thread's messages, which come in the order of their paths."""
        self.show(self._thread.arrange(messages, context))

    def put(self, messages: Iterable[MessageView], context: Context, *, news: bool = True) -> None:
        """Show further messages of the thread, or other forms of those that are shown.

        `news` tells whether a reader who scrolled up should hear of new ones.
        """
        self._thread.context = context
        self._splice(self._thread.put(messages), news=news)

    def drop(self, ids: Iterable[UUID]) -> None:
        """Show these messages no more."""
        self._splice(self._thread.drop(ids), news=False)

    def veil(self, words: str) -> None:
        """Show words in the place of the messages, while those are on their way; "" ends it."""
        self._veil = words
        self.refresh()

    def clear(self) -> None:
        """Show nothing, and follow the end of what comes."""
        self.flow.put([])
        self._thread.arrange([], self._thread.context)
        self._veil = ""
        self._selected, self._place, self._fresh, self.following = None, None, 0, True
        self.place()
        self.refresh()

    def grow(self, ids: Sequence[UUID]) -> None:
        """Answers in progress have more text."""
        with self.changing():
            for message_id in ids:
                self.flow.grow(message_id)

    def select(self, id: UUID | None) -> None:
        """Move the cursor to a message and bring it into view."""
        index = self.flow.index(id) if id else None
        if id is None or index is None:
            self._selected = None
        else:
            self._selected = id
            self._reveal(index)
        self.refresh()
        self.post_message(self.CursorMoved())

    def action_cursor(self, step: int) -> None:
        """Move the cursor by messages; a long message is scrolled through first."""
        if not len(self.flow):
            return
        index = self.flow.index(self._selected) if self._selected else None
        if index is None:
            index = self.flow.find(self.scroll_offset.y + self.size.height - 1)[0]
            step = 0
        elif self._scrolled_within(index, step):
            return
        target = max(0, min(len(self.flow) - 1, index + step))
        self.select(self.flow.entries[target].id)
        if target == len(self.flow) - 1 and step > 0:
            self.follow()

    def action_page(self, step: int) -> None:
        """Scroll by a page."""
        rows = max(1, self.size.height - 2)
        self.scroll_to(y=self.scroll_offset.y + step * rows)

    def action_start(self) -> None:
        """Go to the first message."""
        if len(self.flow):
            self._selected = self.flow.entries[0].id
            self.go_to(self._selected)
            self.post_message(self.CursorMoved())

    def action_end(self) -> None:
        """Go to the end and follow it."""
        self._selected = self.flow.entries[-1].id if len(self.flow) else None
        self.follow()
        self.scrolled()
        self.post_message(self.CursorMoved())

    def scrolled(self) -> None:
        """Tell where the reader is."""
        if self.following:
            self._fresh = 0
        self._tell_end()

    def notify_style_update(self) -> None:
        """The theme or a state changed: colours are looked up anew."""
        super().notify_style_update()
        self._palette = None

    def render_line(self, y: int) -> Strip:
        """One line of the view; only what is seen is ever made."""
        palette = self._palette = self._palette or Palette(self)
        if self._veil or not len(self.flow):
            words = self._veil or self.empty
            return self._bar(palette, words if y == self.size.height // 3 else "", "empty")
        if self._fresh and y == self.size.height - 1:
            return self._bar(palette, f" ↓ {self._fresh} new ", "pill")
        row = y + self.scroll_offset.y
        found = self.flow.line(row)
        if found is None:
            return Strip.blank(self.size.width, palette.base)
        entry, inner, line = found
        span = self.text_selection.get_span(row) if self.text_selection else None
        selection = self.screen.get_component_rich_style("screen--selection")
        drawn = strip((self._mark(entry, inner), *line), palette, span, selection)
        drawn = drawn.crop_extend(0, self.size.width, palette.base)
        return drawn.apply_offsets(0, row)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text the mouse selected, without the marks at its left."""
        start = selection.start.y if selection.start else 0
        end = selection.end.y if selection.end else self.flow.total - 1
        parts: list[tuple[Line, int, int | None]] = []
        for row in range(max(0, start), min(end, self.flow.total - 1) + 1):
            found, span = self.flow.line(row), selection.get_span(row)
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
            self.post_message(self.LinkChosen(href))
        elif self._fresh and event.y == self.size.height - 1:
            self.action_end()
        elif not self._veil and (found := self.flow.line(event.y + self.scroll_offset.y)):
            self._selected = found[0].id
            self.refresh()
            self.post_message(self.CursorMoved())

    def _splice(self, splice: Splice, *, news: bool) -> None:
        if not splice.fresh and splice.start == splice.stop:
            return
        with self.changing():
            self.flow.splice(splice.start, splice.stop, splice.fresh)
        self._fresh = 0 if self.following else self._fresh + splice.news * news
        self._tell_end()

    def _tell_end(self) -> None:
        if len(self.flow) and not self._veil:
            if self.following and self.size.height:
                self.post_message(self.EndSeen())
            if self.scroll_offset.y > self.flow.total - 4 * self.size.height:
                self.post_message(self.EndNear())

    def _reveal(self, index: int) -> None:
        """Scroll as little as shows the whole message, or its start when it is too long."""
        self.flow.page(index)
        top, height = self.flow.top(index), self.flow.height(index)
        first, rows = self.scroll_offset.y, self.size.height
        if top < first or height > rows:
            self.go_to(self.flow.entries[index].id)
        elif top + height > first + rows:
            self.scroll_to(y=top + height - rows)

    def _scrolled_within(self, index: int, step: int) -> bool:
        top, end = self.flow.top(index), self.flow.top(index + 1)
        first, last = self.scroll_offset.y, self.scroll_offset.y + self.size.height
        if not (top < last and end > first) or not step:
            return False
        if (step > 0 and end > last) or (step < 0 and top < first):
            self.scroll_to(y=first + step * 3)
            return True
        return False

    def _mark(self, entry: Entry, row: int) -> Span:
        if entry.id != self._selected or row >= self.flow.page_height(entry.id) - 1:
            return Span(" " * GUTTER)
        return Span("▎ ", "mark" if self.has_focus else "mark.blurred")

    def _bar(self, palette: Palette, words: str, style: str) -> Strip:
        """Words in the middle of an otherwise empty line."""
        before = max(0, (self.flow.width - width(words)) // 2)
        line: Line = (Span(" " * before), Span(words, style))
        drawn = strip(line, palette, None, palette.base)
        return drawn.crop_extend(0, self.size.width, palette.base)
