"""The messages of the open thread: loading, going to messages, what is in view and was read.

The base of `ThreadPane`, which adds the composer and what the user writes.
"""

import time
from contextlib import suppress
from uuid import UUID

from textual import on, work
from textual.containers import Vertical
from textual.timer import Timer
from textual.worker import Worker, WorkerError

from rustygpt_tui.conversation.compose_controller import ComposeController
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.errors import ClientError
from rustygpt_tui.screens.answer_ticker import AnswerTicker
from rustygpt_tui.screens.compare import CompareScreen
from rustygpt_tui.screens.transcript_controller import TranscriptController
from rustygpt_tui.screens.worker_errors import WorkerErrorMixin
from rustygpt_tui.store.state import Changes
from rustygpt_tui.widgets.transcript.widget import Transcript


class MessagesPane(Vertical, WorkerErrorMixin):
    """A pane with a transcript, which `TranscriptController` fills."""

    def __init__(
        self, controller: ComposeController, messages: TranscriptController, *, id: str
    ) -> None:
        super().__init__(id=id)
        self._controller = controller
        self._messages = messages
        self._watch_timer: Timer | None = None
        self._ticker = AnswerTicker(self, messages)
        self._loading: Worker[None] | None = None
        self._is_moving_mark = False

    @property
    def is_loading(self) -> bool:
        """True until the open thread is shown."""
        return self._messages.is_loading

    @property
    def transcript(self) -> Transcript:
        """The widget of the messages."""
        return self._messages.transcript

    # Loading

    @work(group="thread", exclusive=True, exit_on_error=False)
    async def _load(
        self,
        conversation: ConversationSession,
        root: UUID,
        at: UUID | None,
        *,
        is_new: bool = False,
    ) -> None:
        await self._messages.load(conversation, root, at, is_new=is_new)

    @work(group="thread", exclusive=True, exit_on_error=False)
    async def _reload(self) -> None:
        await self._messages.reload()

    def resume_loading(self) -> None:
        """Load a thread again whose loading failed."""
        conversation = self._controller.conversation
        if self._messages.is_loading and conversation and self._controller.root:
            self._loading = self._load(conversation, self._controller.root, None)

    @on(Transcript.NearEnd)
    @work(group="more-below", exclusive=True, exit_on_error=False)
    async def _load_below(self) -> None:
        await self._messages.extend(down=True)

    @on(Transcript.NearStart)
    @work(group="more-above", exclusive=True, exit_on_error=False)
    async def _load_above(self) -> None:
        await self._messages.extend(down=False)

    @work(group="quotes", exit_on_error=False)
    async def _load_quotes(self) -> None:
        await self._messages.load_quotes()

    # Going to messages

    @work(group="go", exclusive=True, exit_on_error=False)
    async def go_to(self, message_id: UUID) -> None:
        """Show and select a message of the thread."""
        await self._messages.go_to(message_id)

    @on(Transcript.ParentRequested)
    def _on_parent_requested(self, event: Transcript.ParentRequested) -> None:
        if event.message.parent_id:
            self.go_to(event.message.parent_id)

    @on(Transcript.SiblingRequested)
    @work(group="go", exclusive=True, exit_on_error=False)
    async def _on_sibling_requested(self, event: Transcript.SiblingRequested) -> None:
        sibling = await self._messages.find_sibling(event.message, event.step)
        if sibling is not None:
            await self._messages.go_to(sibling.id)
        else:
            which = "later" if event.step > 0 else "earlier"
            self.app.notify(f"There is no {which} reply to the same message.", markup=False)

    @work(group="compare", exclusive=True, exit_on_error=False)
    async def compare(self) -> None:
        """Show the answers to the same question as the selected one beside each other."""
        selected = self.transcript.selected_or_lowest()
        if selected is None or selected.pending:
            return
        ids = await self._messages.load_answers(selected.message)
        if len(ids) < 2:
            text = "There are no other answers to compare; R generates another one."
            self.app.notify(text, markup=False, timeout=3)
        elif self.app.screen is self.screen:
            first = selected.id if selected.id in ids else ids[-1]
            self.app.push_screen(CompareScreen(self._messages, ids, first), self._on_compared)

    def _on_compared(self, chosen: UUID | None) -> None:
        if chosen is not None:
            self.go_to(chosen)

    def apply_to_comparison(self, changes: Changes) -> None:
        """Show what changed in the answers that are beside each other, if they are shown."""
        for screen in self.app.screen_stack:
            if isinstance(screen, CompareScreen):
                screen.apply_changes(changes)

    @on(Transcript.StartRequested)
    @work(group="go", exclusive=True, exit_on_error=False)
    async def _on_start_requested(self) -> None:
        await self._messages.go_to_edge(end=False)

    @on(Transcript.EndRequested)
    @work(group="go", exclusive=True, exit_on_error=False)
    async def _on_end_requested(self) -> None:
        await self._messages.go_to_edge(end=True)

    @on(Transcript.PillClicked)
    @work(group="go", exclusive=True, exit_on_error=False)
    async def _on_pill_clicked(self, event: Transcript.PillClicked) -> None:
        target = self._messages.reading.unread_beyond_view(event.direction)
        if target is not None:
            await self._messages.go_to(target)
        elif event.direction == "below":
            await self._messages.go_to_edge(end=True)

    async def go_to_next_unread(self, visited: set[UUID]) -> bool:
        """Go to the next unread message that is not in `visited`; return False without one.

        Waits until the thread is loaded. Raises ClientError.
        """
        if self._loading is not None:
            with suppress(WorkerError):
                await self._loading.wait()
        message_id = await self._messages.reading.next_unread(visited)
        if message_id is None:
            return False
        visited.add(message_id)
        await self._messages.go_to(message_id)
        return True

    # What is in view and what was read

    @on(Transcript.ViewChanged)
    def on_view_changed(self) -> None:
        """Take note of what is on screen now, and whether the user can see it."""
        self._watch()
        self._ticker.watch()
        self._show_pills()
        leaf = self._messages.message_in_view(fallback=self._controller.target is None)
        self._controller.show_target_in_view(leaf)
        if self.transcript.missing_parents():
            self._load_quotes()

    def _watch(self) -> None:
        if self._watch_timer is not None:
            self._watch_timer.stop()
            self._watch_timer = None
        seconds = self._messages.reading.watch(time.monotonic(), is_active=self._is_watched)
        if seconds is not None:
            self._watch_timer = self.set_timer(seconds + 0.01, self._watch)
        self._move_mark_if_needed()

    def _move_mark_if_needed(self) -> None:
        if self._messages.reading.can_move_mark() and not self._is_moving_mark:
            self._is_moving_mark = True
            self._move_mark()

    @property
    def _is_watched(self) -> bool:
        """True while the user can see the messages; opening the program alone shows nothing."""
        # `Screen.is_current` is also True for a screen that a dialog covers.
        has_focus = self.app.app_focus and self.app.screen is self.screen
        had_input = getattr(self.app, "had_input", True)
        return has_focus and had_input and self.transcript.is_on_screen

    def _show_pills(self) -> None:
        self.transcript.show_pills(*self._messages.reading.pills())

    @work(group="read", exit_on_error=False)
    async def _move_mark(self) -> None:
        """Move the mark as far as it can; on a slow line the next move waits for this one."""
        try:
            with suppress(ClientError):  # the next message that is seen sends it again
                await self._messages.reading.move_mark()
        finally:
            self._is_moving_mark = False

    def show_unread(self) -> None:
        """Show what is unread now, and load what has to be known to go on reading."""
        self._messages.reading.update_unread()
        self._show_pills()
        self._move_mark_if_needed()
        if self._messages.reading.lacks_next:
            self._load_ahead()

    @work(group="ahead", exclusive=True, exit_on_error=False)
    async def _load_ahead(self) -> None:
        with suppress(ClientError):  # the next change of what is unread asks again
            await self._messages.reading.load_ahead()

    @work(group="mark", exclusive=True, exit_on_error=False)
    async def mark_read(self) -> None:
        """Mark the whole thread as read."""
        await self._messages.reading.mark_read()

    @work(group="mark", exclusive=True, exit_on_error=False)
    async def mark_unread(self) -> None:
        """Mark the selected message and all later ones as unread."""
        selected = self.transcript.selected_or_lowest()
        if selected is not None:
            await self._messages.reading.mark_unread(selected.id)
