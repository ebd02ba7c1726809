"""The base of dialogs that list what a person has, and end one of it after a question."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from rustygpt_tui.client.http import Client
from rustygpt_tui.errors import ClientError
from rustygpt_tui.widgets.bindings import bindings
from rustygpt_tui.widgets.form import FailureLine, FormFields

DIM = "$foreground 60%"


class Item(Protocol):
    """Something with an id."""

    @property
    def id(self) -> UUID:
        """The id."""
        ...


T = TypeVar("T", bound=Item)


class ListDialog(ModalScreen[None], Generic[T]):
    """The items as the server has them; enter chooses one."""

    BINDINGS = bindings("dialog")
    HEADING = ""
    NOTE = ""
    """What enter does, below the list."""
    EMPTY = ""
    """What is shown instead when there is none."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client
        self._items: Sequence[T] = ()

    def compose(self) -> ComposeResult:
        """Create the list."""
        with Vertical(classes="dialog"):
            with FormFields(classes="fields"):
                yield Static(Content.styled(self.HEADING, "bold"), classes="card-title")
                yield OptionList(id="items", markup=False)
                yield Static("", id="note", classes="label", markup=False)
                yield from self.buttons()
            yield FailureLine()

    def buttons(self) -> ComposeResult:
        """Create what is below the list."""
        yield from ()

    async def fetch(self) -> Sequence[T]:
        """Return the items; raises ClientError."""
        raise NotImplementedError

    def describe(self, item: T) -> Content:
        """Return what is shown of an item."""
        raise NotImplementedError

    def choose(self, item: T) -> None:
        """Ask what to do with an item."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Fetch the items."""
        self.reload()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Choose an item."""
        event.stop()
        self.choose(next(item for item in self._items if str(item.id) == event.option_id))

    @work(group="list", exclusive=True, exit_on_error=False)
    async def reload(self, change: Callable[[], Awaitable[None]] | None = None) -> None:
        """Make a change, if one is given, and list the items again."""
        failure_line = self.query_one(FailureLine)
        failure_line.hide()
        try:
            if change:
                await change()
        except ClientError as failure:
            failure_line.show(failure.sentence)
        try:
            self._items = await self.fetch()
        except ClientError as failure:
            failure_line.show(failure.sentence)
            return
        self._show()

    def _show(self) -> None:
        option_list = self.query_one("#items", OptionList)
        highlighted = option_list.highlighted or 0
        option_list.clear_options()
        option_list.add_options(
            Option(self.describe(item), id=str(item.id)) for item in self._items
        )
        self.query_one("#note", Static).update(Content(self.NOTE if self._items else self.EMPTY))
        if self._items:
            option_list.highlighted = min(highlighted, len(self._items) - 1)
        elif option_list.has_focus:
            self.focus_next()
        option_list.display = bool(self._items)
