"""Reading in the shown thread: which messages are seen, what is marked as unread, where to go next.

`TranscriptController` decides which part of the thread is shown; `ThreadPane` runs the coroutines
as its workers.
"""

from dataclasses import dataclass, field, replace
from uuid import UUID

from rustygpt_tui.conversation.reading_sync import ReadingSync
from rustygpt_tui.conversation.reading_tracker import ReadingTracker
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.conversation.thread_loader import ThreadLoader
from rustygpt_tui.conversation.view_models import first_unread, pill_texts
from rustygpt_tui.store.reading import Reading
from rustygpt_tui.store.state import State
from rustygpt_tui.store.tree import MessageTree, PathRange
from rustygpt_tui.widgets.transcript.entries import Quote
from rustygpt_tui.widgets.transcript.reports import Direction
from rustygpt_tui.widgets.transcript.visibility import VisibleEntry
from rustygpt_tui.widgets.transcript.widget import Transcript

MAX_SEARCHED = 1_000
"""Messages above the mark that are loaded at most to find the next unread one."""


@dataclass
class ShownThread:
    """What is shown of one thread."""

    session: ConversationSession
    root: UUID
    range: PathRange
    loader: ThreadLoader
    sync: ReadingSync
    quotes: dict[UUID, Quote] = field(default_factory=dict)
    """Messages replied to that are not in the shown range, by id."""
    quotes_requested: set[UUID] = field(default_factory=set)
    """Those that are being fetched."""

    @property
    def state(self) -> State:
        """The state of the conversation."""
        return self.session.loaded_state

    @property
    def tree(self) -> MessageTree:
        """The loaded messages; none while they are fetched again."""
        return self.state.trees.get(self.root) or MessageTree(self.root)


class ThreadReading:
    """What is read of the thread that a transcript shows."""

    def __init__(self, transcript: Transcript, moment: float) -> None:
        """`moment` is how many seconds a message has to be on screen to be seen."""
        self.divider: UUID | None = None
        """The message below the divider "new"."""
        self._transcript = transcript
        self._tracker = ReadingTracker(moment)
        self._shown: ShownThread | None = None
        self._is_tracking = True
        """False after messages were marked as unread, until the thread is opened again."""
        self._had_unread = False
        self._is_active = False
        self._read_seq = 0
        """The mark when the screen was last watched."""

    def open(self, shown: ShownThread | None, *, is_new: bool = False) -> None:
        """Watch a thread from now on; None watches none.

        In a new one, which the user just started, everything arrives before the user's eyes.
        """
        self._shown = shown
        self._tracker.reset()
        self._read_seq = self._reading.read_seq
        self._is_tracking = True
        self.divider = first_unread(shown.state, shown.root) if shown and not is_new else None
        self._had_unread = self.divider is not None

    def unread_ids(self) -> frozenset[UUID]:
        """Return the unread messages of the shown part, without answers that are being written.

        Those are watched as they grow; they are unread when they ended out of sight.
        """
        shown = self._shown
        if shown is None:
            return frozenset()
        reading = self._reading
        if reading.is_complete:
            return frozenset(m.id for m in reading.unseen if m.id not in shown.tree.streaming)
        messages = shown.tree.within(shown.range)
        me = shown.state.me
        return frozenset(m.id for m in messages if not m.streaming and reading.has_unseen(m, me))

    @property
    def _reading(self) -> Reading:
        return self._shown.sync.reading(self._shown.root) if self._shown else Reading()

    def update_unread(self) -> None:
        """Draw what is unread now; the divider moves only when messages became unread.

        Messages that arrive before the user's eyes need no divider.
        """
        shown = self._shown
        if shown is None:
            return
        first = first_unread(shown.state, shown.root)
        if first is None:
            self._had_unread = False
        elif not (self._is_active and self._transcript.following) and (
            not self._had_unread or self._is_above_divider(shown, first)
        ):
            self.divider = first
            self._had_unread = True
        self._transcript.set_marks(self.divider, self.unread_ids())

    def _is_above_divider(self, shown: ShownThread, first: UUID) -> bool:
        divider = shown.tree.get(self.divider) if self.divider else None
        message = shown.tree.get(first)
        return divider is None or (message is not None and message.path < divider.path)

    def pills(self) -> tuple[str, str]:
        """Return what is shown above and below the messages in view."""
        shown = self._shown
        view = self._transcript.view_paths()
        if shown is None or view is None:
            return "", ""
        follows_end = self._transcript.following and shown.range.has_end
        return pill_texts(shown.state, shown.root, view, follows_end=follows_end)

    def watch(self, now: float, *, is_active: bool) -> float | None:
        """Remember what is seen; return the seconds until more may be, None for never.

        `is_active` is False while the terminal or the screen does not have the focus.
        """
        shown = self._shown
        if self._is_active and not is_active:
            self._is_active = False
            self.update_unread()
        self._is_active = is_active
        self._forget_if_marked_unread()
        if shown is None or not is_active or not self._is_tracking:
            self._tracker.pause()
            return None
        seen = self._tracker.watch(self._countable(shown), now)
        if seen:
            shown.sync.see(shown.root, seen)
        return self._tracker.next_change(now)

    def _forget_if_marked_unread(self) -> None:
        """Forget the halves that were seen when another device moved the mark back."""
        read_seq = self._reading.read_seq
        if read_seq < self._read_seq:
            self._tracker.reset()
        self._read_seq = read_seq

    def _countable(self, shown: ShownThread) -> list[VisibleEntry]:
        """Return what is on screen of confirmed messages.

        The end of an answer that is being written is not its end yet; its start counts, which may
        be out of view when the answer ends.
        """
        visible = []
        for entry in self._transcript.visible_entries():
            message = shown.tree.get(entry.id)
            if message is not None:
                ends = entry.bottom_visible and not message.streaming
                visible.append(replace(entry, bottom_visible=ends))
        return visible

    def can_move_mark(self) -> bool:
        """Return whether there is something to tell the server."""
        return self._shown is not None and self._shown.sync.can_move(self._shown.root)

    async def move_mark(self) -> None:
        """Tell the server what was read; raises ClientError."""
        if shown := self._shown:
            await shown.sync.move(shown.root)

    @property
    def lacks_next(self) -> bool:
        """True when the messages above the mark have to be loaded for the mark to move on."""
        return self._shown is not None and self._reading.lacks_next

    async def load_ahead(self) -> None:
        """Load messages above the mark until the mark can move on; raises ClientError."""
        while (shown := self._shown) and self.lacks_next:
            await shown.loader.load_ahead(shown.root)
        self.update_unread()

    async def mark_read(self) -> None:
        """Mark the whole thread as read; raises ClientError."""
        if shown := self._shown:
            await shown.sync.mark_all(shown.root)
            self._is_tracking = True
            await shown.loader.load_ahead(shown.root)
            self.divider = None
            self.update_unread()

    async def mark_unread(self, message_id: UUID) -> None:
        """Mark a message and all later ones as unread; raises ClientError.

        What is on screen then stays unread until the thread is opened again.
        """
        if shown := self._shown:
            self._is_tracking = False
            self._tracker.reset()
            await shown.sync.mark_unread(shown.root, message_id)
            await shown.loader.load_ahead(shown.root)
            self.divider = first_unread(shown.state, shown.root)
            self._had_unread = True
            self.update_unread()

    async def next_unread(self, visited: set[UUID]) -> UUID | None:
        """Return the next unread message from the view on that was not visited yet, or None.

        It is the one after the selected message; without one, that at the top of the view counts
        too. Those above the view follow after those below. Raises ClientError.
        """
        shown = self._shown
        if shown is None:
            return None
        while True:
            reading = shown.sync.reading(shown.root)
            left = sorted((m for m in reading.unseen if m.id not in visited), key=lambda m: m.path)
            if left or reading.is_complete or len(reading.ahead) >= MAX_SEARCHED:
                break
            await shown.loader.load_ahead(shown.root)
        selected = self._transcript.selected
        view = self._transcript.view_paths()
        if selected:
            below = (m.id for m in left if m.path > selected.message.path)
        else:
            below = (m.id for m in left if view is None or m.path >= view[0])
        return next(below, left[0].id if left else None)

    def unread_beyond_view(self, direction: Direction) -> UUID | None:
        """Return the unread message next to the view, above or below it, or None."""
        shown = self._shown
        view = self._transcript.view_paths()
        if shown is None or view is None:
            return None
        unseen = sorted(shown.sync.reading(shown.root).unseen, key=lambda m: m.path)
        if direction == "above":
            return next((m.id for m in reversed(unseen) if m.path < view[0]), None)
        return next((m.id for m in unseen if m.path > view[1]), None)
