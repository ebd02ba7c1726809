"""The side lists of conversations and threads, with unread counts and a marker of the open one."""

from collections.abc import Sequence
from uuid import UUID

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from rustygpt_shared.models.conversations import unread_label
from rustygpt_tui.render.text import one_line, pad, shorten, width
from rustygpt_tui.widgets.bindings import bindings
from rustygpt_tui.widgets.list_rows import ListRow


class SideList(OptionList):
    """A list whose open row has a marker, independent of the highlighted row."""

    BINDINGS = bindings("lists")

    class Selected(Message):
        """The user opened a row."""

        def __init__(self, side_list: "SideList", id: UUID) -> None:
            super().__init__()
            self.side_list = side_list
            self.id = id

        @property
        def control(self) -> "SideList":
            """The list that posted it."""
            return self.side_list

    class NearEnd(Message):
        """The end of the list is near the view; there may be more rows to load."""

        def __init__(self, side_list: "SideList") -> None:
            super().__init__()
            self.side_list = side_list

        @property
        def control(self) -> "SideList":
            """The list that posted it."""
            return self.side_list

    def __init__(self, empty: str, *, id: str) -> None:
        """`empty` is shown when there are no rows."""
        super().__init__(id=id, markup=False)
        self._empty = empty
        self._rows: tuple[ListRow, ...] = ()
        self._open: UUID | None = None

    @property
    def rows(self) -> Sequence[ListRow]:
        """The rows in order."""
        return self._rows

    def show(
        self, rows: Sequence[ListRow], opened: UUID | None, *, empty: str | None = None
    ) -> None:
        """Show these rows, with `opened` marked; the highlighted row stays highlighted.

        `empty` is shown from now on when there are no rows.
        """
        empty = empty or self._empty
        shown = (self._rows, self._open, self._empty)
        if (tuple(rows), opened, empty) == shown and self.option_count:
            return
        self._empty = empty
        before = self._rows
        newly_opened = opened != self._open
        self._rows = tuple(rows)
        self._open = opened
        if before and not newly_opened and _ids(before) == _ids(self._rows):
            self._change(before)
        else:
            self._draw(opened if newly_opened else self._highlighted(), reveal=newly_opened)
        self._post_near_end()

    def on_mount(self) -> None:
        """Show that there are no rows yet."""
        self._draw(None)

    def on_resize(self, event: events.Resize) -> None:
        """Cut the titles to the new width."""
        self._draw(self._highlighted())

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Report which row was opened."""
        event.stop()
        if event.option_id:
            self.post_message(self.Selected(self, UUID(event.option_id)))

    def _highlighted(self) -> UUID | None:
        option = self.highlighted_option
        return UUID(option.id) if option and option.id else None

    def on_option_list_option_highlighted(self) -> None:
        """Report it when the end is near."""
        self._post_near_end()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Report it when the end is near."""
        super().watch_scroll_y(old_value, new_value)
        self._post_near_end()

    def _post_near_end(self) -> None:
        below = self.virtual_size.height - self.scroll_offset.y - self.size.height
        if self._rows and self.size.height and below < self.size.height:
            self.post_message(self.NearEnd(self))

    def _change(self, before: Sequence[ListRow]) -> None:
        """Replace the prompts that differ, for the same rows in the same order."""
        for index, (old, new) in enumerate(zip(before, self._rows, strict=True)):
            if old != new:
                self.replace_option_prompt_at_index(index, self._prompt(new))

    def _draw(self, highlight: UUID | None, *, reveal: bool = False) -> None:
        """Draw all rows and keep the scroll position, unless `reveal` scrolls to the highlight."""
        offset = self.scroll_offset
        self.clear_options()
        if not self._rows:
            text = Content.styled(f"  {self._empty}", "$foreground 50%")
            self.add_option(Option(text, disabled=True))
            return
        self.add_options(Option(self._prompt(row), id=str(row.id)) for row in self._rows)
        position = next((i for i, row in enumerate(self._rows) if row.id == highlight), None)
        with self.prevent(OptionList.OptionHighlighted):
            self.highlighted = position
        if position is None or not reveal:
            self.scroll_to(y=offset.y, animate=False)

    def _prompt(self, row: ListRow) -> Content:
        cells = max(8, self.scrollable_content_region.width)
        opened = row.id == self._open
        count = f" {unread_label(row.unread)}" if row.unread else ""
        space = cells - 2 - width(count)
        title = pad(shorten(one_line(row.title), space), space)
        weight = "bold" if opened or row.unread else ""
        marker = ("▎ ", "$primary") if opened else "  "
        first = [marker, (title, weight) if weight else title, (count, "bold $text-error")]
        note = shorten(one_line(row.note), cells - 2)
        return Content.assemble(*first, "\n", marker, (note, "$foreground 50%"))


def _ids(rows: Sequence[ListRow]) -> list[UUID]:
    return [row.id for row in rows]
