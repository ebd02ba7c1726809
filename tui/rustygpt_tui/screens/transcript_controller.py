"""Fills the transcript of the open thread: which part is shown, and how it is drawn.

`ThreadPane` runs the coroutines as its workers and calls `update` on changes.
"""

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.conversation.answer_progress import AnswerProgress
from rustygpt_tui.conversation.compose_controller import ComposeController
from rustygpt_tui.conversation.reading_sync import ReadingSync
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.conversation.thread_loader import ThreadLoader
from rustygpt_tui.conversation.view_models import entry_context, first_unread
from rustygpt_tui.errors import ClientError, NotFound
from rustygpt_tui.render.service import RenderService
from rustygpt_tui.screens.thread_reading import ShownThread, ThreadReading
from rustygpt_tui.store.state import State
from rustygpt_tui.store.tree import END, PathRange
from rustygpt_tui.widgets.transcript.entries import EntryContext, Quote
from rustygpt_tui.widgets.transcript.live_answer import LiveAnswer
from rustygpt_tui.widgets.transcript.widget import Transcript

_FIRST_THREAD: Final = "Write the first message below to start a thread."
_ANOTHER_THREAD: Final = "Write below to start another thread."


class TranscriptController:
    """Shows the thread that is open in a `ComposeController`, with its unconfirmed messages."""

    def __init__(self, controller: ComposeController, moment: float) -> None:
        """`moment` is how many seconds a message has to be on screen to be seen."""
        self._controller = controller
        self.progress = AnswerProgress()
        self.transcript = Transcript(
            self.text_of, live_of=self.live_of, service=RenderService(), id="transcript"
        )
        self.is_loading = False
        """True until the first page is loaded, also after loading failed."""
        self.reading = ThreadReading(self.transcript, moment)
        self._shown: ShownThread | None = None
        self._pending_ids: frozenset[UUID] = frozenset()
        self._places: dict[UUID, tuple[UUID, int] | None] = {}
        """Where reading stopped in threads that were shown: a message and the row at the top of
        the view, counted from its header, or None for the end."""

    def text_of(self, message_id: UUID) -> str | None:
        """Return the text of a message, as far as it is known; None for an unknown message."""
        state = self._controller.state
        message = state.message(message_id) if state else None
        return state.text_of(message) if state and message else None

    def live_of(self, message_id: UUID) -> LiveAnswer | None:
        """Return what is known of an answer in progress besides its text; None for others."""
        state = self._controller.state
        return self.progress.live(state, message_id) if state else None

    @property
    def state(self) -> State | None:
        """The state of the open conversation, once it is loaded."""
        return self._controller.state

    @property
    def streaming(self) -> frozenset[UUID]:
        """The answers in progress of the shown thread."""
        return self._shown.tree.streaming if self._shown else frozenset()

    # Which part of which thread

    def show_empty(self, text: str) -> None:
        """Show a text instead of messages."""
        self._leave()
        self.transcript.empty = text

    def reset(self) -> None:
        """Prepare for the thread that the controller has opened."""
        self._leave()
        self.transcript.empty = ""
        self.is_loading = self._controller.root is not None
        if self.is_loading:
            self.transcript.show_message_instead("Loading …")

    def _leave(self) -> None:
        """Remember where reading stopped, and show nothing."""
        if self._shown is not None:
            at_end = self.transcript.following
            self._places[self._shown.root] = None if at_end else self.transcript.place
        self._shown = None
        self.transcript.clear()
        self.reading.open(None)
        self._pending_ids = frozenset()

    async def load(
        self,
        session: ConversationSession,
        root: UUID,
        at: UUID | None = None,
        *,
        is_new: bool = False,
    ) -> None:
        """Show a thread at a message, else where reading stopped: the first unread one, or the end.

        A failure is shown in place of the messages. `is_new` says that the user just started it.
        """
        loader = ThreadLoader(session)
        try:
            await loader.load_ahead(root)
            left, row = self._places.get(root) or (None, 0)
            place = at or first_unread(session.loaded_state, root)
            loaded, found = await self._open(loader, root, place or left)
        except ClientError as failure:
            self.transcript.show_message_instead(f"{failure.sentence} F5 tries again.")
            return
        self.is_loading = False
        self._shown = ShownThread(session, root, loaded, loader, ReadingSync(session))
        self.reading.open(self._shown, is_new=is_new)
        self._show_range(found)
        if at is not None and found == at:
            self.transcript.select(at)
        if place is None and found is not None:
            self.transcript.go_to(found, row)

    async def _open(
        self, loader: ThreadLoader, root: UUID, place: UUID | None
    ) -> tuple[PathRange, UUID | None]:
        """Return the range with a message, or at the end when there is no such message."""
        if place is not None:
            try:
                return await loader.open_at(root, place), place
            except NotFound:
                pass
        return await loader.open_end(root), None

    async def reload(self) -> None:
        """Fetch the shown part again after its messages were dropped; the view stays in place."""
        shown = self._shown
        if shown is None:
            return
        place = None if self.transcript.following else self.transcript.anchor_id
        try:
            await shown.loader.load_ahead(shown.root)
            shown.range, _ = await self._open(shown.loader, shown.root, place)
        except ClientError:
            return  # the next connection loads again
        if self._shown is shown:
            self.redraw()

    async def go_to(self, message_id: UUID) -> None:
        """Show a message of the thread, which is loaded if necessary; raises ClientError."""
        shown = self._shown
        if shown is None:
            return
        loaded = await shown.loader.open_at(shown.root, message_id)
        if self._shown is shown:
            is_elsewhere = loaded.start > shown.range.start or loaded.end < shown.range.end
            shown.range = loaded
            if is_elsewhere or not self.transcript.has_entry(message_id):
                self._show_range(message_id)
            else:
                self.transcript.go_to(message_id)
                self.transcript.leave_row_for_pill()
            self.transcript.select(message_id)

    async def go_to_edge(self, *, end: bool) -> None:
        """Show the end of the thread and follow it, or show its beginning; raises ClientError."""
        shown = self._shown
        if shown is None:
            return
        if not end:
            await self.go_to(shown.root)
            return
        loaded = await shown.loader.open_end(shown.root)
        if self._shown is shown:
            shown.range = loaded
            self._show_range(None)

    async def extend(self, *, down: bool) -> None:
        """Load the next page below or above the shown part; raises ClientError."""
        shown = self._shown
        if shown is None or self.is_loading:
            return
        before = shown.range
        after = await shown.loader.extend(shown.root, before, down=down)
        if self._shown is shown and after != before:
            shown.range = after
            self._set_window(shown)
            added = [m for m in shown.tree.within(after) if not self.transcript.has_entry(m.id)]
            self.transcript.update_messages(added, self._context(shown))

    def _show_range(self, place: UUID | None) -> None:
        """Draw the shown part from a message on, or at its end."""
        shown = self._shown
        if shown is None:
            return
        self.transcript.show_message_instead("")
        self._set_window(shown)
        self.redraw()
        if place is not None:
            self.transcript.go_to(place)
            self.transcript.leave_row_for_pill()
        elif shown.range.has_end:
            self.transcript.follow()

    def _set_window(self, shown: ShownThread) -> None:
        self.transcript.set_window(
            has_more_above=not shown.range.has_start, has_more_below=not shown.range.has_end
        )

    # The user's own messages, and what the next one replies to

    def show_own(self, message_id: UUID) -> None:
        """Bring a message that was just submitted into view, if its place is shown."""
        is_last = self.transcript.entries and self.transcript.entries[-1].id == message_id
        if is_last and (self._shown is None or self._shown.range.has_end):
            self.transcript.follow()
        elif self.transcript.has_entry(message_id):
            self.transcript.reveal(message_id)

    async def keep_own_in_sight(self, message_id: UUID) -> None:
        """Go to a message that was just posted, where the server has placed it.

        Raises ClientError.
        """
        shown = self._shown
        if shown is None:
            return
        message = shown.tree.get(message_id)
        if message is None or not shown.range.covers(message.path):
            await self.go_to(message_id)
        else:
            self.update([message_id])
            self.transcript.reveal(message_id)

    def message_in_view(self, *, fallback: bool) -> UUID | None:
        """Return the last message of the branch on screen, or None when it is not loaded.

        It is the branch whose end is in view, else the one of the lowest message in view. With
        `fallback`, that message itself stands for an end that is not loaded.
        """
        leaf = self.transcript.lowest_leaf()
        if leaf is not None:
            return leaf.id
        visible = self.transcript.visible_entries()
        if not visible:
            return None
        end = self.transcript.branch_end(visible[-1].id)
        if end is not None:
            return end.id
        return visible[-1].id if fallback else None

    @property
    def target_id(self) -> UUID | None:
        """The id of the message that the next one replies to, if it has one."""
        target = self._controller.target
        return target.resolved().message_id if target is not None else None

    def target_message(self) -> tuple[str, str] | None:
        """Return author and text of the message that the next one replies to, if it is known."""
        state = self._controller.state
        target = self._controller.target
        if state is None or target is None:
            return None
        target = target.resolved()
        if target.after is not None:
            return state.name_of(state.me), target.after.text
        message = state.message(target.message_id) if target.message_id else None
        if message is None:
            return self._controller.words_of(target.message_id) if target.message_id else None
        author = entry_context(state, ()).author(message)
        if message.deleted_at:
            return author, f"({state.names().deletion(message)})"
        return author, state.text_of(message) or ("…" if message.streaming else "")

    def is_plain_chat(self) -> bool:
        """Return whether the thread is one line of messages, and the next one continues it."""
        shown = self._shown
        target = self._controller.target
        state = self._controller.state
        if shown is None or state is None or target is None or target.is_chosen:
            return False
        if state.info.assistant_mode != "always" or len(state.participants) > 1:
            return False
        return shown.range.has_end and not any(entry.quote for entry in self.transcript.entries)

    # Drawing

    def redraw(self) -> None:
        """Draw the shown part as it is now, with the unconfirmed messages in their places."""
        shown = self._shown
        state = self._controller.state
        if shown is None:
            if state is not None and self._controller.root is None:
                self._draw_new_thread(state)
            return
        all_pending = self._controller.pending(shown.state)
        pending = self._in_range(shown, all_pending)
        messages = [*shown.tree.within(shown.range), *pending]
        messages.sort(key=lambda message: message.path)
        self.transcript.set_messages(messages, self._context(shown, all_pending))
        self._pending_ids = frozenset(message.id for message in pending)

    def _draw_new_thread(self, state: State) -> None:
        self.transcript.empty = _ANOTHER_THREAD if state.threads else _FIRST_THREAD
        self.transcript.refresh()
        pending = self._controller.pending(state)
        self.transcript.set_messages(pending, entry_context(state, pending))
        self._pending_ids = frozenset(message.id for message in pending)

    def update(self, ids: Iterable[UUID]) -> None:
        """Draw these messages and the unconfirmed ones as they are now."""
        shown = self._shown
        if shown is None:
            self.redraw()
            return
        self._refresh_range(shown)
        tree = shown.tree
        ids = list(ids)
        self._refresh_quotes(shown, [m for id_ in ids if (m := tree.get(id_))])
        all_pending = self._controller.pending(shown.state)
        pending = self._in_range(shown, all_pending)
        context = self._context(shown, all_pending)
        messages = [m for id_ in ids if (m := tree.get(id_)) and shown.range.covers(m.path)]
        messages.sort(key=lambda message: message.path)
        pending_ids = frozenset(message.id for message in pending)
        removed = self._pending_ids - pending_ids
        self._pending_ids = pending_ids
        confirmed = self._controller.confirmed
        self.transcript.update_messages(
            [*messages, *pending],
            context,
            removed=removed,
            confirmed={id_: confirmed[id_] for id_ in removed if id_ in confirmed},
        )

    def _refresh_quotes(self, shown: ShownThread, changed: Sequence[MessageView]) -> None:
        """Take over changed messages that are quoted and not shown: they may be deleted."""
        context = self._context(shown, [])
        fresh = {m.id: context.quote(m) for m in changed if m.id in shown.quotes}
        if fresh:
            shown.quotes = {**shown.quotes, **fresh}

    def _refresh_range(self, shown: ShownThread) -> None:
        """Take over what was joined to the shown range by other loads."""
        for loaded in shown.tree.ranges:
            if loaded.start <= shown.range.start and loaded.end >= shown.range.end:
                if loaded != shown.range:
                    shown.range = loaded
                    self._set_window(shown)
                    self.redraw()
                return

    @staticmethod
    def _in_range(shown: ShownThread, pending: Sequence[MessageView]) -> list[MessageView]:
        end = f"{shown.range.end}{END}"  # behind a last loaded message as well
        return [message for message in pending if shown.range.start <= message.path <= end + END]

    def _context(
        self, shown: ShownThread, pending: Sequence[MessageView] | None = None
    ) -> EntryContext:
        return entry_context(
            shown.state,
            self._controller.pending(shown.state) if pending is None else pending,
            first_unread=self.reading.divider,
            unread=self.reading.unread_ids(),
            quotes=shown.quotes,
        )

    async def load_quotes(self) -> None:
        """Fetch the messages replied to that are not loaded; raises ClientError."""
        shown = self._shown
        missing = self.transcript.missing_parents() - shown.quotes_requested if shown else set()
        if shown is None or not missing:
            return
        shown.quotes_requested |= missing
        try:
            await self._fetch_quotes(shown, missing)
        finally:
            shown.quotes_requested -= missing

    async def _fetch_quotes(self, shown: ShownThread, missing: set[UUID]) -> None:
        context = self._context(shown)
        known = [m for id_ in missing if (m := shown.tree.get(id_))]
        fetched = await shown.loader.get_messages(missing - {m.id for m in known})
        for message in (*known, *fetched):
            shown.quotes[message.id] = context.quote(message)
        for id_ in missing - shown.quotes.keys():
            shown.quotes[id_] = Quote("somebody", "a message that is gone")
        if self._shown is shown:
            self.transcript.update_messages([], self._context(shown))

    async def load_answers(self, message: MessageView) -> list[UUID]:
        """Load all answers to a question, or to that of an answer; return their ids.

        Raises ClientError.
        """
        shown = self._shown
        if shown is None:
            return []
        question: MessageView | None = message
        if message.role == "assistant" and message.parent_id is not None:
            question = shown.tree.get(message.parent_id)
            if question is None:
                found = await shown.loader.get_messages([message.parent_id])
                question = found[0] if found else None
        return await shown.loader.load_answers(question) if question else []

    async def find_sibling(self, message: MessageView, step: int) -> MessageView | None:
        """Return the next or previous reply to the same message; raises ClientError."""
        return await self._shown.loader.find_sibling(message, step) if self._shown else None
