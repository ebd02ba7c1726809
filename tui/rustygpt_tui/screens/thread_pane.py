"""The right side: a thread's messages, and the composer under them."""

import asyncio
from collections.abc import Iterable
from uuid import UUID

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.client.http import Client
from rustygpt_tui.conversation.account_drafts import AccountDrafts
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.errors import ClientError
from rustygpt_tui.render.code_blocks import code_blocks
from rustygpt_tui.render.text import one_line, shorten
from rustygpt_tui.screens.compose_controller import ComposeController
from rustygpt_tui.screens.dialogs import Choice, ChooseDialog
from rustygpt_tui.screens.view_models import (
    code_block_label,
    entry_context,
    first_unread,
    header,
    loading_label,
    pending_messages,
    running_answer,
)
from rustygpt_tui.store.state import Changes, State
from rustygpt_tui.widgets.composer import Composer
from rustygpt_tui.widgets.transcript.entries import Entry
from rustygpt_tui.widgets.transcript.widget import Transcript
from rustygpt_tui.widgets.typing_line import TypingLine


class ThreadPane(ComposeController):
    """Shows one thread of a room, or the start of a new one; sends what is written."""

    def __init__(self, client: Client, drafts: AccountDrafts, *, id: str) -> None:
        super().__init__(client, drafts, id=id)
        self._first_unread: UUID | None = None
        self._pending_ids: frozenset[UUID] = frozenset()
        self._loading = False
        self._last_marked: UUID | None = None

    def compose(self) -> ComposeResult:
        """Header, messages, what is being answered, and the text being written."""
        yield Static("", id="talk-header", markup=False)
        yield Transcript(self._text_of, id="transcript")
        yield TypingLine(id="talk-writers")
        yield Static("", id="talk-bar", markup=False)
        yield Composer(id="composer")

    def on_resize(self) -> None:
        """Header and bar are cut to the width there is."""
        self.redraw_chrome()

    def show_empty(self, words: str) -> None:
        """There is no conversation to show, for a reason in words."""
        self._save_draft()
        self._conversation, self.root = None, None
        self.transcript.clear()
        self.transcript.empty = words
        self.composer.set_text("")
        self.composer.read_only = True
        self.redraw_chrome()

    def show_thread(self, conversation: ConversationSession, root: UUID | None) -> None:
        """Show a thread of a loaded room; without a root, the start of a new one."""
        self._save_draft()
        self._conversation, self.root, self._reply_to = conversation, root, None
        self._failed_message, self._failure, self._last_marked = None, "", None
        self.transcript.clear()
        self._first_unread, self._loading, self._mark_unread_divider = None, root is not None, True
        self.transcript.empty = "Write the first message below to start a thread."
        if root is not None:
            self.transcript.show_message_instead("Loading …")
            self._load(conversation, root)
        self._restore_draft()
        self.redraw()

    def show_new_thread(self, root: UUID) -> None:
        """Show the thread that was just started; what was typed meanwhile goes along."""
        if self._conversation and self.root is None:
            typed = self.composer.text
            self.composer.set_text("")
            self.show_thread(self._conversation, root)
            self._mark_unread_divider = False
            self.composer.set_text(typed)

    def apply_changes(self, changes: Changes) -> None:
        """The room's state is new."""
        for message_id in changes.messages:
            self._sender.confirm(message_id)
        state = self.state
        if state is None:
            return
        if self.root in changes.reloaded or changes.participants:
            self.redraw()
        elif self.root in changes.threads_of_messages or changes.errors:
            self._update_messages(changes.messages | changes.errors)
        if changes.streamed:
            self.transcript.update_streaming(list(changes.streamed))
        around = changes.info or changes.participants or changes.threads
        if around or self.root in changes.typing:
            self.redraw_chrome()
        if self.root in changes.unread:
            self._mark_read_if_seen()

    def reply(self) -> None:
        """Answer the selected message from now on; what is written stays."""
        selected = self.transcript.selected_or_lowest()
        if selected is None or self._conversation is None:
            return
        self._reply_to = selected.id
        self.redraw_chrome()
        self.composer.focus()

    def leave_reply_or_composer(self) -> bool:
        """Give up answering one message, or leave the composer; tells whether there was that."""
        if self._reply_to is not None:
            self._reply_to = None
            self.redraw_chrome()
            return True
        if self.composer.has_focus:
            self.transcript.focus()
            return True
        return False

    def copy(self) -> None:
        """Copy the selected message as it was written."""
        selected = self.transcript.selected_or_lowest()
        if selected is not None:
            self.app.copy_to_clipboard(self._source(selected))

    def copy_code(self) -> None:
        """Copy the selected message's code; of several blocks one is chosen."""
        selected = self.transcript.selected_or_lowest()
        blocks = code_blocks(self._source(selected)) if selected else []

        def on_chosen(place: str | None) -> None:
            if place is not None:
                self.app.copy_to_clipboard(blocks[int(place)].code)

        if len(blocks) > 1:
            choices = [Choice(str(i), code_block_label(block)) for i, block in enumerate(blocks)]
            self.app.push_screen(ChooseDialog("Copy which code?", choices), on_chosen)
        elif blocks:
            on_chosen("0")
        elif selected:
            self.app.notify("There is no code in this message.", markup=False, timeout=2)

    def _source(self, entry: Entry) -> str:
        return self._text_of(entry.id) or entry.message.content

    def answer_in_progress(self) -> MessageView | None:
        """The newest answer of this thread that is still being written."""
        state = self.state
        return running_answer(state, self.root) if state and self.root else None

    @work(group="stop", exit_on_error=False)
    async def stop_answer(self, answer: MessageView) -> None:
        """Ask the server to stop an answer."""
        try:
            await self._client.cancel(answer.id)
        except ClientError as failure:
            self._show_failure(failure.sentence)

    @work(group="thread", exclusive=True, exit_on_error=False)
    async def _load(self, conversation: ConversationSession, root: UUID) -> None:
        try:
            async for came in conversation.open_thread(root):
                self._update_messages(came, count_as_new=False)
                if conversation.state:
                    self.transcript.show_message_instead(loading_label(conversation.state, root))
                await asyncio.sleep(0)  # keys go first
        except ClientError as failure:
            self.transcript.show_message_instead(f"{failure.sentence} F5 tries again.")
            return
        self._loading = False
        self._after_load(conversation, root)

    def resume_loading(self) -> None:
        """Go on loading a thread whose loading failed."""
        if self._loading and self._conversation and self.root:
            self._load(self._conversation, self.root)

    def on_app_focus_changed(self) -> None:
        """The terminal came to the front, or went: what is seen is read only in front."""
        self._mark_read_if_seen()

    def _after_load(self, conversation: ConversationSession, root: UUID) -> None:
        """The thread is there: go to what is unread, or stay at the end."""
        self.transcript.show_message_instead("")
        if conversation.state and self._mark_unread_divider:
            self._first_unread = first_unread(conversation.state, root)
        if self._first_unread:
            self._update_messages([self._first_unread])
            self.transcript.go_to(self._first_unread)
        self.transcript.scrolled()

    @on(Transcript.NearEnd)
    @work(group="more", exclusive=True, exit_on_error=False)
    async def _more(self) -> None:
        if self._conversation and self.root and self._conversation.state and not self._loading:
            self._update_messages(
                await self._conversation.load_more_messages(self.root), count_as_new=False
            )

    @on(Transcript.EndSeen)
    def _mark_read_if_seen(self) -> None:
        state = self.state
        tree = state.trees.get(self.root) if state and self.root else None
        if not state or not tree or not tree.newest or tree.cursor or self._loading:
            return
        newest, seen = tree.newest.id, self.transcript.following and self.app.app_focus
        if seen and state.unread.get(tree.root_id) and newest != self._last_marked:
            self._last_marked = newest
            self._mark_read(self._conversation, tree.root_id, newest)

    @work(group="read", exclusive=True, exit_on_error=False)
    async def _mark_read(
        self, conversation: ConversationSession | None, root: UUID, newest: UUID
    ) -> None:
        try:
            if conversation:
                await conversation.mark_read(root, newest)
        except ClientError:
            self._last_marked = None  # it is tried again when the end is seen again

    @on(Transcript.LinkClicked)
    def _open_link(self, event: Transcript.LinkClicked) -> None:
        self.app.open_url(event.href)

    def _text_of(self, message_id: UUID) -> str | None:
        state = self.state
        message = state.message(message_id) if state else None
        return state.text_of(message) if state and message else None

    def redraw(self) -> None:
        """Show the thread as it is now, with what is on its way."""
        if (state := self.state) is None:
            return
        waiting = self._pending(state)
        known = state.trees.get(self.root, ()) if self.root else ()
        told = entry_context(state, self._first_unread, waiting)
        self.transcript.set_messages([*known, *waiting], told)
        self._pending_ids = told.pending
        self.redraw_chrome()

    def redraw_pending(self) -> None:
        """Show what is on its way, and no more what has arrived."""
        self._update_messages(())
        self.redraw_chrome()

    def _update_messages(self, ids: Iterable[UUID], *, count_as_new: bool = True) -> None:
        """Show these messages as they are now."""
        state = self.state
        if state is None:
            return
        tree, waiting = state.trees.get(self.root) if self.root else None, self._pending(state)
        told = entry_context(state, self._first_unread, waiting)
        found = [message for id_ in ids if tree and (message := tree.get(id_))]
        found.sort(key=lambda message: message.path)
        self.transcript.remove_messages(self._pending_ids - told.pending)
        self._pending_ids = told.pending
        self.transcript.update_messages([*found, *waiting], told, count_as_new=count_as_new)

    def _pending(self, state: State) -> list[MessageView]:
        return pending_messages(state, self._sender.pending, state.info.id, self.root)

    def redraw_chrome(self) -> None:
        """The header above the messages and the bar below them."""
        state = self.state
        cells = max(10, self.size.width - 4)
        self.query_one("#talk-header", Static).update(header(state, self.root, cells))
        reader = state is not None and state.role in {None, "viewer"}
        self.composer.read_only = state is None or reader
        self.composer.placeholder = "You may read here, not write." if reader else "Write a message"
        self.query_one(TypingLine).show(state, self.root, cells)
        bar = self.query_one("#talk-bar", Static)
        bar.update(self._bar(cells))
        bar.display = bool(self._failure or self._reply_to or (state and self.root is None))

    def _bar(self, cells: int) -> Content:
        if self._failure:
            return Content.styled(one_line(self._failure), "$text-error")
        if self._reply_to is None:
            return Content.styled("A new thread", "$foreground 60%")
        state = self.state
        message = state.message(self._reply_to) if state else None
        entry = self.transcript.selected
        author = entry.author if entry and entry.id == self._reply_to else ""
        words = f"↳ {one_line(author)}: {one_line(message.content if message else '')}"
        return Content.styled(shorten(words, cells), "$text-primary")
