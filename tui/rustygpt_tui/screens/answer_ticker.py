"""What the headers of answers in progress say, updated once per second while one is in view."""

from typing import Final
from uuid import UUID

from textual.timer import Timer
from textual.widget import Widget

from rustygpt_tui.screens.transcript_controller import TranscriptController
from rustygpt_tui.store.state import Changes

SECONDS: Final = 1.0


class AnswerTicker:
    """The only timer of a thread's answers in progress; without one in view there is none."""

    def __init__(self, owner: Widget, messages: TranscriptController) -> None:
        """`owner` is the widget that the timer belongs to."""
        self._owner = owner
        self._messages = messages
        self._timer: Timer | None = None

    @property
    def is_running(self) -> bool:
        """True while an answer in progress was in view at the last look."""
        return self._timer is not None

    def apply_changes(self, changes: Changes) -> None:
        """Draw new states of answers, and take note of their first text."""
        state = self._messages.state
        if state is None:
            return
        progress = self._messages.progress
        if changes.streamed:
            progress.on_streamed(state, changes.streamed)
        if changes.statuses:
            progress.update(state, changes.statuses)
            self._messages.transcript.update_live(changes.statuses)

    def watch(self) -> None:
        """Start the timer if an answer in progress is in view, else stop it."""
        is_needed = bool(self._in_view())
        if is_needed and self._timer is None:
            self._timer = self._owner.set_interval(SECONDS, self._tick)
        elif not is_needed and self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _tick(self) -> None:
        ids = self._in_view()
        state = self._messages.state
        if state is not None and ids:
            self._messages.progress.update(state, ids)
            self._messages.transcript.update_live(ids)
        self.watch()

    def _in_view(self) -> list[UUID]:
        """Return the answers in progress that are on screen."""
        running = self._messages.streaming
        if not running or not self._messages.transcript.is_on_screen:
            return []
        return [e.id for e in self._messages.transcript.visible_entries() if e.id in running]
