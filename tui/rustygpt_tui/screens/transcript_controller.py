"""Fills the transcript of the open thread: loading, redrawing, unread divider and read marker.

`ThreadPane` runs the coroutines as its workers and calls `update` on changes.
"""

import asyncio
from collections.abc import Iterable
from uuid import UUID

from rustygpt_tui.conversation.compose_controller import ComposeController
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.conversation.view_models import entry_context, first_unread, loading_label
from rustygpt_tui.errors import ClientError
from rustygpt_tui.store.state import State
from rustygpt_tui.widgets.transcript.widget import Transcript


class TranscriptController:
    """Shows the thread that is open in a `ComposeController`, with its unconfirmed messages."""

    def __init__(self, controller: ComposeController) -> None:
        self._controller = controller
        self.transcript = Transcript(self.text_of, id="transcript")
        self.is_loading = False
        """True until all pages are loaded, also after loading failed."""
        self._divides_unread = True
        self._first_unread: UUID | None = None
        self._pending_ids: frozenset[UUID] = frozenset()
        self._last_marked: UUID | None = None

    @property
    def _state(self) -> State | None:
        return self._controller.state

    @property
    def _root(self) -> UUID | None:
        return self._controller.root

    def text_of(self, message_id: UUID) -> str | None:
        """Return the text of a message, as far as it is known; None for an unknown message."""
        state = self._state
        message = state.message(message_id) if state else None
        return state.text_of(message) if state and message else None

    def show_empty(self, text: str) -> None:
        """Show a text instead of messages."""
        self.transcript.clear()
        self.transcript.empty = text

    def reset(self) -> None:
        """Prepare for another thread: no messages, and the unread divider on."""
        self.transcript.clear()
        self.transcript.empty = "Write the first message below to start a thread."
        self._first_unread = None
        self._last_marked = None
        self._divides_unread = True
        self.is_loading = self._root is not None
        if self.is_loading:
            self.transcript.show_message_instead("Loading …")

    def hide_unread_divider(self) -> None:
        """Show no unread divider in this thread, which the user just started."""
        self._divides_unread = False

    async def load(self, conversation: ConversationSession, root: UUID) -> None:
        """Load a thread page by page; a failure is shown in place of the messages."""
        try:
            async for message_ids in conversation.open_thread(root):
                self.update(message_ids, count_as_new=False)
                if conversation.state:
                    self.transcript.show_message_instead(loading_label(conversation.state, root))
                await asyncio.sleep(0)  # lets keys be handled between two pages
        except ClientError as failure:
            self.transcript.show_message_instead(f"{failure.sentence} F5 tries again.")
            return
        self.is_loading = False
        self._show_loaded(conversation, root)

    def _show_loaded(self, conversation: ConversationSession, root: UUID) -> None:
        """Show the loaded thread from its first unread message, or at its end."""
        self.transcript.show_message_instead("")
        if conversation.state and self._divides_unread:
            self._first_unread = first_unread(conversation.state, root)
        if self._first_unread:
            self.update([self._first_unread])
            self.transcript.go_to(self._first_unread)
        self.transcript.scrolled()

    async def load_more(self) -> None:
        """Load the next page of a thread that was too long to be loaded at once."""
        conversation = self._controller.conversation
        if conversation and self._root and conversation.state and not self.is_loading:
            message_ids = await conversation.load_more_messages(self._root)
            self.update(message_ids, count_as_new=False)

    def take_unmarked(self) -> UUID | None:
        """Return the message to move the read marker to, once; None when there is none.

        The user has seen the end of the thread if the transcript follows it.
        """
        state = self._state
        tree = state.trees.get(self._root) if state and self._root else None
        if not state or not tree or not tree.newest or tree.cursor or self.is_loading:
            return None
        newest = tree.newest.id
        is_unread = state.unread.get(tree.root_id) and newest != self._last_marked
        if not self.transcript.following or not is_unread:
            return None
        self._last_marked = newest
        return newest

    async def mark_read(self, conversation: ConversationSession, root: UUID, newest: UUID) -> None:
        """Move the read marker; after a failure, the next sight of the end sends it again."""
        try:
            await conversation.mark_read(root, newest)
        except ClientError:
            self._last_marked = None

    def redraw(self) -> None:
        """Draw the thread as it is now, with the unconfirmed messages at its end."""
        state = self._state
        if state is None:
            return
        pending = self._controller.pending(state)
        messages = state.trees.get(self._root, ()) if self._root else ()
        context = entry_context(state, self._first_unread, pending)
        self.transcript.set_messages([*messages, *pending], context)
        self._pending_ids = context.pending

    def update(self, ids: Iterable[UUID], *, count_as_new: bool = True) -> None:
        """Draw these messages and the unconfirmed ones as they are now.

        `count_as_new` adds messages of others to the count shown below a scrolled-up transcript.
        """
        state = self._state
        if state is None:
            return
        pending = self._controller.pending(state)
        context = entry_context(state, self._first_unread, pending)
        tree = state.trees.get(self._root) if self._root else None
        messages = [message for id_ in ids if tree and (message := tree.get(id_))]
        messages.sort(key=lambda message: message.path)
        self.transcript.remove_messages(self._pending_ids - context.pending)
        self._pending_ids = context.pending
        self.transcript.update_messages([*messages, *pending], context, count_as_new=count_as_new)
