"""The search: a field, and the messages that were found, by conversation."""

from itertools import groupby

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from rustygpt_shared.models.search import SearchHit
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.search_labels import author
from rustygpt_tui.conversation.links import Link, parse_link
from rustygpt_tui.errors import ClientError
from rustygpt_tui.render.text import one_line, shorten, strip_markdown
from rustygpt_tui.screens.list_dialog import DIM
from rustygpt_tui.widgets.bindings import bindings
from rustygpt_tui.widgets.form import FailureLine

PAGE_SIZE = 20
TYPING_PAUSE = 0.3
"""The seconds without a key after which a text is searched for."""
MAX_REQUESTS = 10
"""Requests for one page: what one of them looks at is bounded, and may be without a hit."""
_MORE = "more"
_HELP = 'words · "in order" · begin* · -without · in: from: has:code before: after:'
_MAX_CHARACTERS = 500
_WIDTH = 100
_FRAME = 10
_MIN_CELLS = 20
"""The width of the dialog, as in app.tcss, what its frame and scrollbar take, and the least."""


class SearchDialog(ModalScreen[Link | None]):
    """A search; dismissed with the place of the chosen message, or of a link that was pasted."""

    BINDINGS = bindings("dialog")

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client
        self._text = ""
        self._hits: list[SearchHit] = []
        self._cursor: str | None = None
        self._pause: Timer | None = None

    def compose(self) -> ComposeResult:
        """Create the field and the list."""
        with Vertical(classes="dialog search"):
            yield Input(
                placeholder="Search all conversations, or paste a link",
                max_length=_MAX_CHARACTERS,
                compact=True,
            )
            yield Static(Content(_HELP), id="note", classes="label")
            yield OptionList(id="hits", markup=False)
            yield FailureLine()

    def on_mount(self) -> None:
        """Hide the list until something was found."""
        self.query_one("#hits").display = False

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search when typing pauses; the field keeps the focus."""
        event.stop()
        if self._pause is not None:
            self._pause.stop()
        text = event.value
        if text.strip() and "://" not in text:
            self._pause = self.set_timer(TYPING_PAUSE, lambda: self._begin(text, is_typing=True))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Search, or move to what was found, or close with the place of a link."""
        event.stop()
        if self._pause is not None:
            self._pause.stop()
        failure_line = self.query_one(FailureLine)
        failure_line.hide()
        try:
            link = parse_link(event.value, self._client.origin)
        except ClientError as failure:
            failure_line.show(failure.sentence)
            return
        if link is not None:
            self.dismiss(link)
            return
        if event.value == self._text and self._hits:
            self.query_one("#hits").focus()
        else:
            self._begin(event.value, is_typing=False)

    def on_key(self, event: Key) -> None:
        """Move from the field to the list with the down key, if there is a list."""
        hits = self.query_one("#hits")
        if event.key == "down" and isinstance(self.focused, Input) and hits.display:
            event.stop()  # else the list, which has the focus then, moves to its second line
            event.prevent_default()
            hits.focus()

    def _begin(self, text: str, *, is_typing: bool) -> None:
        """Search for a text from the latest message on."""
        self._text, self._hits, self._cursor = text, [], None
        self._search(is_typing=is_typing)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Close with the chosen message, or search further back."""
        event.stop()
        if event.option_id == _MORE:
            self._search()
            return
        message = self._hits[int(event.option_id or 0)].message
        self.dismiss(Link(message.conversation_id, message.root_id, message.id))

    @work(group="search", exclusive=True, exit_on_error=False)
    async def _search(self, *, is_typing: bool = False) -> None:
        """Add the next page to what was found; what is being typed may not be a search yet."""
        note = self.query_one("#note", Static)
        note.update(Content("Searching …"))
        found = len(self._hits)
        is_complete = True
        try:
            for _ in range(MAX_REQUESTS):
                page = await self._client.search_messages(
                    self._text, cursor=self._cursor, limit=PAGE_SIZE
                )
                self._hits += page.hits
                self._cursor, is_complete = page.next_cursor, page.complete
                if len(self._hits) > found or self._cursor is None:
                    break
        except ClientError as failure:
            note.update(Content(_HELP))
            if not is_typing:
                self.query_one(FailureLine).show(failure.sentence)
            return
        self.query_one(FailureLine).hide()
        note.update(Content(self._summary(is_complete)))
        self._show(found, with_focus=not is_typing)

    def _summary(self, is_complete: bool) -> str:
        count = len(self._hits)
        more = "+" if self._cursor else ""
        found = f"{count}{more} found" if count else "Nothing found"
        missing = "" if is_complete else " · not all was searched: use in:, or wait"
        return f"{found}{missing} · enter opens · esc closes"

    @property
    def _cells(self) -> int:
        """The cells of a row of the list."""
        return max(_MIN_CELLS, min(_WIDTH, self.app.size.width * 94 // 100) - _FRAME)

    def _show(self, first_new: int, *, with_focus: bool) -> None:
        """Show all hits; the first new one is selected."""
        hits = self.query_one("#hits", OptionList)
        hits.clear_options()
        numbered = list(enumerate(self._hits))
        for title, group in groupby(numbered, key=lambda one: one[1].conversation_title):
            label = Content.styled(one_line(title) or "(no title)", "bold")
            hits.add_option(Option(label, disabled=True))
            for number, hit in group:
                hits.add_option(Option(_label(hit, self._cells), id=str(number)))
        if self._cursor:
            hits.add_option(Option(Content("Search further back …"), id=_MORE))
        hits.display = bool(self._hits or self._cursor)
        if hits.display:
            selected = str(first_new) if first_new < len(self._hits) else _MORE
            if with_focus:
                hits.focus()
            hits.highlighted = hits.get_option_index(selected) if hits.option_count else None


def _label(hit: SearchHit, cells: int) -> Content:
    """Return a hit as lines: who wrote it when and where in one row, and what was found."""
    message = hit.message
    time = message.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
    thread = one_line(strip_markdown(hit.thread_excerpt)) or "(deleted)"
    head = shorten(f"  {one_line(author(message))} · {time} · {thread}", cells)
    parts = [
        (_blanks(fragment.text), "bold $text-primary" if fragment.is_match else "")
        for fragment in hit.highlight
    ]
    return Content.assemble((head, DIM), "\n  ", *parts)


def _blanks(text: str) -> str:
    """Return a fragment on one line that keeps the blanks at its ends."""
    start = " " if text[:1].isspace() else ""
    end = " " if text[-1:].isspace() and text.strip() else ""
    return f"{start}{one_line(text)}{end}"
