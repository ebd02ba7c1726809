"""The lists at the side: conversations and threads, with what is unread and which is open."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from rustygpt_shared.models.conversations import unread_label
from rustygpt_tui.render.text import one_line, pad, shorten, width
from rustygpt_tui.widgets.bindings import bindings


@dataclass(frozen=True)
class ListRow:
    """One line and a half of a list: a title, what is unread, and a quiet note below."""

    id: UUID
    title: str
    note: str = ""
    unread: int = 0


class SideList(OptionList):
    """Rows to choose from; the open one is marked, and stays marked while others are looked at."""

    BINDINGS = bindings("lists")

    class Selected(Message):
        """A row was opened."""

        def __init__(self, side_list: "SideList", id: UUID) -> None:
            super().__init__()
            self.side_list = side_list
            self.id = id

        @property
        def control(self) -> "SideList":
            """The list it happened in."""
            return self.side_list

    class NearEnd(Message):
        """What is listed comes to its end: there may be more to list."""

        def __init__(self, side_list: "SideList") -> None:
            super().__init__()
            self.side_list = side_list

        @property
        def control(self) -> "SideList":
            """The list it happened in."""
            return self.side_list

    def __init__(self, empty: str, *, id: str) -> None:
        """`empty` is said when there is nothing to choose."""
        super().__init__(id=id, markup=False)
        self._empty = empty
        self._rows: tuple[ListRow, ...] = ()
        self._open: UUID | None = None

    @property
    def rows(self) -> Sequence[ListRow]:
        """What is listed."""
        return self._rows

    def show(self, rows: Sequence[ListRow], opened: UUID | None) -> None:
        """List these rows, one of which is open; the highlighted one stays highlighted."""
        if (tuple(rows), opened) == (self._rows, self._open) and self.option_count:
            return
        before, newly_opened = self._rows, opened != self._open
        self._rows, self._open = tuple(rows), opened
        if before and not newly_opened and _ids(before) == _ids(self._rows):
            self._change(before)
        else:
            self._draw(opened if newly_opened else self._highlighted(), reveal=newly_opened)
        self._post_near_end()

    def on_mount(self) -> None:
        """Say that there is nothing yet."""
        self._draw(None)

    def on_resize(self, event: events.Resize) -> None:
        """Titles are cut to the width there is."""
        self._draw(self._highlighted())

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Tell which row was opened."""
        event.stop()
        if event.option_id:
            self.post_message(self.Selected(self, UUID(event.option_id)))

    def _highlighted(self) -> UUID | None:
        option = self.highlighted_option
        return UUID(option.id) if option and option.id else None

    def on_option_list_option_highlighted(self) -> None:
        """Another row is looked at."""
        self._post_near_end()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Other rows are in view."""
        super().watch_scroll_y(old_value, new_value)
        self._post_near_end()

    def _post_near_end(self) -> None:
        below = self.virtual_size.height - self.scroll_offset.y - self.size.height
        if self._rows and self.size.height and below < self.size.height:
            self.post_message(self.NearEnd(self))

    def _change(self, before: Sequence[ListRow]) -> None:
        """The same rows in the same order: write those anew that are different."""
        for index, (old, new) in enumerate(zip(before, self._rows, strict=True)):
            if old != new:
                self.replace_option_prompt_at_index(index, self._prompt(new))

    def _draw(self, highlight: UUID | None, *, reveal: bool = False) -> None:
        """List the rows; what is in view stays in view, unless a row is to be revealed."""
        offset = self.scroll_offset
        self.clear_options()
        if not self._rows:
            words = Content.styled(f"  {self._empty}", "$foreground 50%")
            self.add_option(Option(words, disabled=True))
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


def relative_age(then: datetime, now: datetime) -> str:
    """How long ago something was, in a word."""
    seconds = max(0, int((now - then).total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return "now"


def _ids(rows: Sequence[ListRow]) -> list[UUID]:
    return [row.id for row in rows]
