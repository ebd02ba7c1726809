"""The answers to one question beside each other; in a narrow terminal one at a time."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from msgspec import structs
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Static

from rustygpt_shared.models.messages import MessageView, Usage
from rustygpt_tui.render.service import RenderService
from rustygpt_tui.render.tasks import Task
from rustygpt_tui.render.text import one_line
from rustygpt_tui.screens.answer_ticker import SECONDS
from rustygpt_tui.screens.transcript_controller import TranscriptController
from rustygpt_tui.store.state import Changes
from rustygpt_tui.widgets.bindings import bindings
from rustygpt_tui.widgets.transcript.entries import EntryContext
from rustygpt_tui.widgets.transcript.widget import Transcript

_KEYS: Final = "h l others · j k scroll · enter goes there · t reasoning · y copy · esc closes"
MIN_CELLS: Final = 40
"""The width of a column at least; fewer columns are shown if there is no space for all."""


class AnswerView(Transcript, inherit_bindings=False):
    """One answer, whose keys are those of the screen; it uses the screen's render service."""

    def on_mount(self) -> None:
        """Leave the service to the screen."""

    async def on_unmount(self) -> None:
        """Leave the service to the screen."""


class AnswerColumn(Vertical):
    """An answer, and above it its number, its model and its tokens."""

    def __init__(self, view: AnswerView) -> None:
        super().__init__(classes="column")
        self.view = view

    def compose(self) -> ComposeResult:
        """Create the line and the answer."""
        yield Static("", classes="column-title", markup=False)
        yield self.view

    def show_title(self, text: str) -> None:
        """Show a text above the answer."""
        self.query_one(Static).update(Content(text))


class CompareScreen(ModalScreen[UUID | None]):
    """Dismissed with the answer to go to. Answers in progress grow while one looks at them."""

    BINDINGS = [*bindings("dialog"), *bindings("compare")]

    def __init__(self, messages: TranscriptController, ids: Sequence[UUID], first: UUID) -> None:
        """`ids` are the answers in their order; `first` is the one that has the focus first."""
        super().__init__(classes="compare")
        self._messages = messages
        self._ids = list(ids)
        self._current = self._ids.index(first)
        self._service = RenderService()
        self._service.on_done = self._on_rendered
        self._timer: Timer | None = None
        self._columns = [
            AnswerColumn(
                AnswerView(messages.text_of, live_of=messages.live_of, service=self._service)
            )
            for _ in ids
        ]

    def compose(self) -> ComposeResult:
        """Create the columns, and the keys below them."""
        with Horizontal(id="columns"):
            yield from self._columns
        yield Static(_KEYS, id="compare-keys", markup=False)

    def on_mount(self) -> None:
        """Show the answers from their beginning; one in progress is followed."""
        for id_, column in zip(self._ids, self._columns, strict=True):
            self._draw(id_)
            if (message := self._message(id_)) is not None and not message.streaming:
                column.view.go_to(id_)
        self._arrange()
        self._watch()

    async def on_unmount(self) -> None:
        """End the service."""
        await self._service.close()

    def on_resize(self) -> None:
        """Show as many columns as there is space for."""
        self._arrange()

    def apply_changes(self, changes: Changes) -> None:
        """Show what changed of the answers."""
        for id_, column in zip(self._ids, self._columns, strict=True):
            if id_ in changes.messages:
                self._draw(id_)
            if id_ in changes.streamed:
                column.view.update_streaming([id_])
            if id_ in changes.statuses:
                column.view.update_live([id_])
        self._watch()

    def _message(self, id: UUID) -> MessageView | None:
        state = self._messages.state
        return state.message(id) if state else None

    def _draw(self, id: UUID) -> None:
        """Draw an answer as it is now; a message that is gone keeps its last state."""
        state = self._messages.state
        message = self._message(id)
        if state is None or message is None:
            return
        column = self._columns[self._ids.index(id)]
        alone = structs.replace(message, parent_id=None)
        context = EntryContext(state.me, state.names(), shows_days=False)
        column.view.update_messages([alone], context)
        column.show_title(self._heading(message))

    def _heading(self, message: MessageView) -> str:
        number = f"{self._ids.index(message.id) + 1} of {len(self._ids)}"
        first = " · ".join(filter(None, [number, one_line(message.model or "")]))
        return f"{first}\n{usage_label(message.usage)}"

    def _on_rendered(self, task: Task) -> None:
        for column in self._columns:
            column.view.on_rendered(task)

    # Answers in progress

    def _in_progress(self) -> list[UUID]:
        return [id_ for id_ in self._ids if (m := self._message(id_)) and m.streaming]

    def _watch(self) -> None:
        """Update the headers each second while an answer is in progress."""
        is_needed = bool(self._in_progress())
        if is_needed and self._timer is None:
            self._timer = self.set_interval(SECONDS, self._tick)
        elif not is_needed and self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _tick(self) -> None:
        running = self._in_progress()
        if (state := self._messages.state) is not None:
            self._messages.progress.update(state, running)
        for id_ in running:
            self._columns[self._ids.index(id_)].view.update_live([id_])
        self._watch()

    # Columns and keys

    def _arrange(self) -> None:
        """Show the columns around the current one that there is space for."""
        count = max(1, min(len(self._ids), self.size.width // MIN_CELLS))
        start = max(0, min(self._current - count // 2, len(self._ids) - count))
        for index, column in enumerate(self._columns):
            column.display = start <= index < start + count
            column.set_class(index == self._current, "-current")
        if self._view.display and self._view.is_attached:
            self._view.focus()

    @property
    def _view(self) -> AnswerView:
        return self._columns[self._current].view

    def action_answer(self, step: int) -> None:
        """Go to the answer at the right (1) or at the left (-1)."""
        self._current = max(0, min(self._current + step, len(self._ids) - 1))
        self._arrange()

    def action_scroll(self, rows: int) -> None:
        """Scroll the current answer by rows."""
        self._view.scroll_to(y=self._view.scroll_offset.y + rows)

    def action_page(self, step: int) -> None:
        """Scroll the current answer by a page."""
        self._view.action_page(step)

    def action_first(self) -> None:
        """Go to the beginning of the current answer."""
        self._view.go_to(self._ids[self._current])

    def action_last(self) -> None:
        """Go to the end of the current answer."""
        self._view.follow()

    def action_toggle_reasoning(self) -> None:
        """Show or hide the reasoning of the current answer."""
        self._view.toggle_reasoning(self._ids[self._current])

    def action_copy_answer(self) -> None:
        """Copy the text of the current answer."""
        self.app.copy_to_clipboard(self._messages.text_of(self._ids[self._current]) or "")

    def action_choose(self) -> None:
        """Close the screen, and go to the current answer."""
        self.dismiss(self._ids[self._current])


def usage_label(usage: Usage | None) -> str:
    """Return the tokens that an answer used; `≈` marks an estimate of the server."""
    if usage is None:
        return ""
    about = "≈" if usage.estimated else ""
    read, written = (f"{about}{n:,}" for n in (usage.prompt_tokens, usage.completion_tokens))
    return f"{written} tokens, prompt {read}"
