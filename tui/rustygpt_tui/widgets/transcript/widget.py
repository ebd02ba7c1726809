"""The transcript widget: holds the entries, draws them, and reports what is in view and clicked."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import replace
from uuid import UUID

from textual import events
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip

from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.render import Line, Span
from rustygpt_tui.render.selection import selected_text
from rustygpt_tui.render.service import RenderService
from rustygpt_tui.render.tasks import Task
from rustygpt_tui.render.text import shorten, width
from rustygpt_tui.render.text_renderer import TextRenderer
from rustygpt_tui.store.names import Names
from rustygpt_tui.widgets.bindings import bindings
from rustygpt_tui.widgets.transcript.entries import UNKNOWN_QUOTE, Entry, EntryContext
from rustygpt_tui.widgets.transcript.entry_list import EntryList, Splice
from rustygpt_tui.widgets.transcript.folding import has_branch
from rustygpt_tui.widgets.transcript.layout import Layout
from rustygpt_tui.widgets.transcript.live_answer import LiveAnswer
from rustygpt_tui.widgets.transcript.navigation import MessageNavigation
from rustygpt_tui.widgets.transcript.rendered_entry import GUTTER, indentation
from rustygpt_tui.widgets.transcript.reports import Direction
from rustygpt_tui.widgets.transcript.strips import to_strip
from rustygpt_tui.widgets.transcript.styles import COMPONENTS, CSS, StyleCache
from rustygpt_tui.widgets.transcript.visibility import VisibleEntry, visible_entries

MIN_ROWS_FOR_PILLS = 4
"""A view with fewer rows shows no pills, as they would hide the messages."""
MAX_MISSING_PARENTS = 100


class Transcript(MessageNavigation, can_focus=True):
    """The messages of a thread, or a part of them; only the lines in view are rendered."""

    BINDINGS = bindings("transcript")
    COMPONENT_CLASSES = COMPONENTS
    DEFAULT_CSS = CSS
    ALLOW_SELECT = True

    def __init__(
        self,
        text_of: Callable[[UUID], str | None] = lambda _: None,
        *,
        live_of: Callable[[UUID], LiveAnswer | None] = lambda _: None,
        service: RenderService | None = None,
        id: str | None = None,
    ) -> None:
        """`text_of` returns the text so far of an answer in progress, `live_of` the rest of it.

        `service` renders what takes long; it is closed with the widget.
        """
        super().__init__(id=id)
        self._service = service
        self.entry_layout = Layout(text_of, TextRenderer(service), live_of)
        self.empty = ""
        self._message_instead = ""
        self._entry_list = EntryList(EntryContext(UUID(int=0), Names()))
        self._pills: dict[Direction, str] = {"above": "", "below": ""}
        self._near: set[Direction] = set()
        """Where `NearStart` and `NearEnd` were posted; they are posted again after a change."""
        self._style_cache: StyleCache | None = None

    def on_mount(self) -> None:
        """Show what the service has rendered."""
        if self._service is not None:
            self._service.on_done = self.on_rendered

    async def on_unmount(self) -> None:
        """End the service."""
        if self._service is not None:
            await self._service.close()

    def on_rendered(self, task: Task) -> None:
        """Show the result of a task of the service."""
        with self.keep_anchor():
            self.entry_layout.replace_rendered(task)

    # What is shown

    @property
    def entries(self) -> Sequence[Entry]:
        """The entries in order, the hidden ones of folded branches included."""
        return self.entry_layout.entries

    def set_messages(self, messages: Iterable[MessageView], context: EntryContext) -> None:
        """Show these messages, given in the order of their paths; folds are kept."""
        context = self._with_open_reasoning(context)
        with self.keep_anchor():
            self.entry_layout.set_entries(self._entry_list.reset(messages, context))
        self._near.clear()
        self._report_position()

    def update_messages(
        self,
        messages: Iterable[MessageView],
        context: EntryContext,
        *,
        removed: Iterable[UUID] = (),
        confirmed: Mapping[UUID, UUID] | None = None,
    ) -> None:
        """Add messages, replace shown ones by another version, and remove others, in one step.

        `confirmed` are the ids of confirmed messages by the ids of the unconfirmed ones, which are
        removed; the cursor moves along. Entries that depend on what changed in the context are
        updated as well.
        """
        confirmed = confirmed or {}
        context = self._with_open_reasoning(context)
        splice = self._entry_list.change(messages, [*removed, *confirmed], context)
        if self._selected is not None:
            self._selected = confirmed.get(self._selected, self._selected)
        self._splice(splice, confirmed)

    def remove_messages(self, ids: Iterable[UUID]) -> None:
        """Remove messages."""
        self._splice(self._entry_list.change(removed=ids))

    def set_marks(self, first_unread: UUID | None, unread: Set[UUID]) -> None:
        """Set the message below the divider "new", and the messages marked as unread."""
        context = replace(self._entry_list.context, first_unread=first_unread, unread=unread)
        self._splice(self._entry_list.change(context=context))

    def set_window(self, *, has_more_above: bool, has_more_below: bool) -> None:
        """Say whether the thread goes on above and below the entries.

        The end is followed only if the thread ends with the last entry.
        """
        with self.keep_anchor():
            self.entry_layout.more_above = has_more_above
            self.entry_layout.more_below = has_more_below
            self.following = self.following and not has_more_below
        self._follow_at_end()
        self._near.clear()
        self._report_position()

    def show_message_instead(self, text: str) -> None:
        """Show a text in place of the messages while they are loading; "" shows them again."""
        self._message_instead = text
        self.report_change()
        self.refresh()

    def show_pills(self, above: str, below: str) -> None:
        """Show a text on the first row of the view and one on the last; "" shows none."""
        if self._pills != {"above": above, "below": below}:
            self._pills = {"above": above, "below": below}
            self.report_change()
            self.refresh()

    def clear(self) -> None:
        """Remove everything, folds included, and follow the end from now on."""
        self._entry_list.unfold_all()
        self.entry_layout.set_entries(self._entry_list.reset([], self._entry_list.context))
        self.entry_layout.more_above = self.entry_layout.more_below = False
        self._message_instead = ""
        self._selected = None
        self._anchor = None
        self._pills = {"above": "", "below": ""}
        self._near.clear()
        self.following = True
        self.restore_anchor()
        self.refresh()

    def update_streaming(self, ids: Sequence[UUID]) -> None:
        """Draw the new text of answers in progress."""
        with self.keep_anchor():
            behind = [id_ for id_ in ids if self.entry_layout.append_text(id_)]
        if behind:
            self.call_later(self.update_streaming, behind)

    def update_live(self, ids: Iterable[UUID]) -> None:
        """Draw what is known of answers in progress besides their text."""
        with self.keep_anchor():
            for id_ in ids:
                self.entry_layout.update_live(id_)

    def missing_parents(self) -> set[UUID]:
        """Return messages that entries near the view reply to and whose quotes are not known.

        These are at most `MAX_MISSING_PARENTS`, the parents of the entries in view first.
        """
        missing: dict[UUID, None] = {}
        for entry in self._entries_near_view():
            parent_id = entry.message.parent_id
            if parent_id and entry.quote is UNKNOWN_QUOTE and not entry.hidden:
                missing[parent_id] = None
        return set(list(missing)[:MAX_MISSING_PARENTS])

    # Folds

    def fold(self, id: UUID) -> None:
        """Hide the branch below a message; if its header is above the view, go to it.

        A message without replies is not folded, as its first reply would be hidden then.
        """
        shown = self.entry_layout.index(id)
        if shown is None or not has_branch(self.entries, shown):
            return
        self._splice(self._entry_list.fold(id))
        index = self.entry_layout.shown_index(id)
        if index is not None and self.entry_layout.top(index) < self.scroll_offset.y:
            self.go_to(id)

    def unfold(self, id: UUID) -> None:
        """Show the branch below a message."""
        self._splice(self._entry_list.unfold(id))

    def unfold_to(self, id: UUID) -> None:
        """Open the folds that hide a message."""
        self._splice(self._entry_list.unfold_to(id))

    def action_toggle_fold(self) -> None:
        """Fold or unfold the branch below the selected message."""
        selected = self.selected_or_lowest()
        if selected is not None:
            is_folded = selected.id in self._entry_list.folded
            (self.unfold if is_folded else self.fold)(selected.id)

    def action_toggle_reasoning(self) -> None:
        """Fold or unfold the reasoning of the selected message."""
        selected = self.selected_or_lowest()
        if selected is not None:
            self.toggle_reasoning(selected.id)

    def toggle_reasoning(self, id: UUID) -> None:
        """Fold or unfold the reasoning of a message; if its header is above the view, go to it."""
        shown = self._entry_list.context
        context = replace(shown, open_reasoning=shown.open_reasoning ^ {id})
        self._splice(self._entry_list.change(context=context))
        index = self.entry_layout.shown_index(id)
        if index is not None and self.entry_layout.top(index) < self.scroll_offset.y:
            self.go_to(id)

    def _with_open_reasoning(self, context: EntryContext) -> EntryContext:
        return replace(context, open_reasoning=self._entry_list.context.open_reasoning)

    def go_to(self, id: UUID, row: int | None = None) -> None:
        """Scroll to a row of a message, by default the first, and open the folds that hide it."""
        self.unfold_to(id)
        super().go_to(id, row)

    def leave_row_for_pill(self) -> None:
        """Scroll up by a row, so that the bar at the top covers no message that was gone to."""
        if self._has_space_for_pills and self.scroll_offset.y > 0 and not self.following:
            self.scroll_to(y=self.scroll_offset.y - 1)

    # What is in view

    def visible_entries(self) -> list[VisibleEntry]:
        """Return the entries on screen, and how much of them; rows below pills do not count."""
        if self._message_instead:
            return []
        first = self.scroll_offset.y
        last = first + self.size.height - 1
        return visible_entries(
            self.entry_layout, first + bool(self._pill("above")), last - bool(self._pill("below"))
        )

    def view_paths(self) -> tuple[str, str] | None:
        """Return the paths of the first and of the last message on screen, None without any."""
        visible = self.visible_entries()
        paths = [self._entry(entry.id).message.path for entry in visible]
        return (paths[0], paths[-1]) if paths else None

    def lowest_leaf(self) -> Entry | None:
        """Return the lowest message without replies whose end is on screen, if there is one.

        It may be unconfirmed. The last entry counts only if the thread ends there.
        """
        for visible in reversed(self.visible_entries()):
            entry = self._entry(visible.id)
            if visible.bottom_visible and self._is_leaf(entry):
                return entry
        return None

    def branch_end(self, id: UUID) -> Entry | None:
        """Return the last message of the branch that goes on below a message by first replies.

        None when it is beyond the entries.
        """
        index = self._entry_list.index(id)
        while index + 1 < len(self.entries):
            if self.entries[index + 1].message.parent_id != self.entries[index].id:
                return self.entries[index]
            index += 1
        return None if self.entry_layout.more_below else self.entries[index]

    def scrolled(self) -> None:
        """Report the position."""
        self._report_position()

    # Drawing and the mouse

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
        direction = self._pill_direction(y)
        if direction is not None:
            return self._bar(styles, f" {self._pill(direction)} ", "pill")
        row = y + self.scroll_offset.y
        located = self.entry_layout.line(row)
        if located is None:
            return self._bar(styles, self.entry_layout.edge(row), "empty")
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
            indent = indentation(entry, self.entry_layout.width)
            parts.append((line, max(span[0] - GUTTER, indent, 0), stop))
        return selected_text(parts), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw the changed selection."""
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Report a clicked link or pill, or select the clicked message."""
        href = event.style.meta.get("link")
        direction = self._pill_direction(event.y)
        if direction is not None:
            self.post_message(self.PillClicked(direction))
        elif isinstance(href, str):
            self.post_message(self.LinkClicked(href))
        elif not self._message_instead and (
            located := self.entry_layout.line(event.y + self.scroll_offset.y)
        ):
            entry, row, _ = located
            index = self.entry_layout.index(entry.id)
            self._selected = entry.id
            if index is not None and self.entry_layout.is_reasoning_row(index, row):
                self.toggle_reasoning(entry.id)
            self.refresh()
            self.post_message(self.CursorMoved())

    def _splice(self, splice: Splice, renamed: Mapping[UUID, UUID] | None = None) -> None:
        if splice.changes_nothing:
            return
        with self.keep_anchor(renamed):
            self.entry_layout.splice(splice.start, splice.stop, splice.entries)
        self._report_position()

    def _report_position(self) -> None:
        """Post that the view is at the end, or near an end that has more messages beyond."""
        if not len(self.entry_layout) or self._message_instead or not self.size.height:
            return
        if self.following:
            self.post_message(self.EndSeen())
        top = self.scroll_offset.y
        below = self.entry_layout.total - top - self.size.height
        self._report_near("above", top, self.entry_layout.more_above, self.NearStart)
        self._report_near("below", below, self.entry_layout.more_below, self.NearEnd)

    def _report_near(
        self,
        direction: Direction,
        rows: int,
        has_more: bool,
        report: Callable[[], Message],
    ) -> None:
        """Post a report once while fewer than three pages of rows are left."""
        if not has_more or rows >= 3 * self.size.height:
            self._near.discard(direction)
        elif direction not in self._near:
            self._near.add(direction)
            self.post_message(report())

    def _entries_near_view(self) -> list[Entry]:
        """Return the entries in view, and then those around it."""
        if not len(self.entry_layout):
            return []
        first = self.entry_layout.find(self.scroll_offset.y)[0]
        last = self.entry_layout.find(self.scroll_offset.y + max(0, self.size.height - 1))[0]
        around = MAX_MISSING_PARENTS
        before = self.entries[max(0, first - around) : first]
        return [*self.entries[first : last + 1 + around], *reversed(before)]

    def _entry(self, id: UUID) -> Entry:
        return self._entry_list.entries[self._entry_list.index(id)]

    def _is_leaf(self, entry: Entry) -> bool:
        index = self._entry_list.index(entry.id)
        if index + 1 == len(self.entries):
            return not self.entry_layout.more_below
        return not has_branch(self.entries, index)

    def _pill(self, direction: Direction) -> str:
        return self._pills[direction] if self._has_space_for_pills else ""

    @property
    def _has_space_for_pills(self) -> bool:
        return self.size.height >= MIN_ROWS_FOR_PILLS and not self._message_instead

    def _pill_direction(self, y: int) -> Direction | None:
        if y == 0 and self._pill("above"):
            return "above"
        if y == self.size.height - 1 and self._pill("below"):
            return "below"
        return None

    def _gutter(self, entry: Entry, row: int) -> Span:
        if entry.id != self._selected or row >= self.entry_layout.entry_height(entry.id) - 1:
            return Span(" " * GUTTER)
        return Span("▎ ", "selected" if self.has_focus else "selected.blurred")

    def _bar(self, styles: StyleCache, text: str, style: str) -> Strip:
        """Return a line with a centred text."""
        text = shorten(text, self.entry_layout.width)
        before = max(0, (self.entry_layout.width - width(text)) // 2)
        line: Line = (Span(" " * before), Span(text, style))
        strip = to_strip(line, styles, None, styles.base)
        return strip.crop_extend(0, self.size.width, styles.base)
