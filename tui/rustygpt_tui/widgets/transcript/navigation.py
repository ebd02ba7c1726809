"""Moves a cursor over the messages of the transcript: by entries, replies and pages."""

from uuid import UUID

from rustygpt_tui.widgets.transcript.entries import Entry
from rustygpt_tui.widgets.transcript.view import AnchoredView


class MessageNavigation(AnchoredView):
    """A view with a selected message.

    What is beyond the entries is not reached by an action; the action posts a request for it.
    """

    _selected: UUID | None = None

    @property
    def selected(self) -> Entry | None:
        """The entry under the cursor, None when there is no cursor."""
        index = self.entry_layout.shown_index(self._selected) if self._selected else None
        return None if index is None else self.entry_layout.entries[index]

    def selected_or_lowest(self) -> Entry | None:
        """Return the entry under the cursor; without a cursor, select the lowest entry in view."""
        if self.selected is None and len(self.entry_layout):
            lowest = self.entry_layout.find(self.scroll_offset.y + self.size.height - 1)[0]
            self._selected = self.entry_layout.entries[lowest].id
            self.refresh()
        return self.selected

    def unfold_to(self, id: UUID) -> None:
        """Open the folds that hide a message."""

    def select(self, id: UUID | None) -> None:
        """Move the cursor to a message, open the folds that hide it, and bring it into view."""
        if id is not None:
            self.unfold_to(id)
        index = self.entry_layout.index(id) if id else None
        self._selected = None if index is None else id
        if index is not None:
            self._scroll_into_view(index)
        self.refresh()
        self.post_message(self.CursorMoved())

    def reveal(self, id: UUID) -> None:
        """Bring a message into view without selecting it, and open the folds that hide it."""
        self.unfold_to(id)
        index = self.entry_layout.index(id)
        if index is not None:
            self._scroll_into_view(index)

    def has_entry(self, id: UUID) -> bool:
        """Return whether a message is among the entries."""
        return self.entry_layout.index(id) is not None

    def follow(self) -> None:
        """Scroll to the end of the thread and follow it; requests the end when it is not loaded."""
        if self.entry_layout.more_below:
            self.post_message(self.EndRequested())
        else:
            super().follow()

    def action_cursor(self, step: int) -> None:
        """Move the cursor by messages; a message taller than the view is scrolled first."""
        if not len(self.entry_layout):
            return
        index = self.entry_layout.shown_index(self._selected) if self._selected else None
        target: int | None
        if index is None:
            target = self.entry_layout.find(self.scroll_offset.y + self.size.height - 1)[0]
        elif self._scroll_within(index, step):
            return
        else:
            target = self.entry_layout.shown_from(index + step, step)
        if target is not None:
            self.select(self.entry_layout.entries[target].id)
        if step > 0 and self._is_last(target) and not self.entry_layout.more_below:
            self.follow()

    def action_page(self, step: int) -> None:
        """Scroll by a page."""
        rows = max(1, self.size.height - 2)
        self.scroll_to(y=self.scroll_offset.y + step * rows)

    def action_start(self) -> None:
        """Go to the first message of the thread."""
        if self.entry_layout.more_above:
            self.post_message(self.StartRequested())
        elif len(self.entry_layout):
            self._selected = self.entry_layout.entries[0].id
            self.go_to(self._selected)
            self.post_message(self.CursorMoved())

    def action_end(self) -> None:
        """Go to the end of the thread and follow it."""
        if self.entry_layout.more_below:
            self.post_message(self.EndRequested())
            return
        last = self.entry_layout.shown_from(len(self.entry_layout) - 1, -1)
        self._selected = None if last is None else self.entry_layout.entries[last].id
        self.follow()
        self.scrolled()
        self.post_message(self.CursorMoved())

    def action_parent(self) -> None:
        """Go to the message that the selected one replies to."""
        selected = self.selected_or_lowest()
        if selected is None or selected.message.parent_id is None:
            return
        if self.entry_layout.index(selected.message.parent_id) is None:
            self.post_message(self.ParentRequested(selected.message))
        else:
            self.select(selected.message.parent_id)

    def action_sibling(self, step: int) -> None:
        """Go to the next (1) or the previous (-1) reply to the same message."""
        selected = self.selected_or_lowest()
        if selected is None or selected.message.parent_id is None:
            return
        entries = self.entry_layout.entries
        index = self.entry_layout.index(selected.id)
        at = 0 if index is None else index + step
        while 0 <= at < len(entries) and entries[at].message.depth > selected.message.depth:
            at += step
        if not 0 <= at < len(entries):
            if self.entry_layout.more_above if step < 0 else self.entry_layout.more_below:
                self.post_message(self.SiblingRequested(selected.message, step))
        elif entries[at].message.parent_id == selected.message.parent_id:
            self.select(entries[at].id)

    def _is_last(self, index: int | None) -> bool:
        """Return whether there is no entry below an index; None is beyond the end."""
        return index is None or self.entry_layout.shown_from(index + 1, 1) is None

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
