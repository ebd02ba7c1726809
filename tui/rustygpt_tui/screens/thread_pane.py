"""The right side of the main screen: a thread's messages and the composer below them."""

from uuid import UUID

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static, TextArea

from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.client.http import Client
from rustygpt_tui.conversation.account_drafts import AccountDrafts
from rustygpt_tui.conversation.compose_controller import ComposeController
from rustygpt_tui.conversation.message_sender import PendingMessage
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.conversation.view_models import (
    code_block_label,
    header_parts,
    reply_label,
    running_answer,
)
from rustygpt_tui.errors import ClientError
from rustygpt_tui.render.code_blocks import code_blocks
from rustygpt_tui.render.text import one_line
from rustygpt_tui.screens.dialogs import Choice, ChooseDialog
from rustygpt_tui.screens.transcript_controller import TranscriptController
from rustygpt_tui.screens.worker_errors import WorkerErrorMixin
from rustygpt_tui.store.state import Changes, State
from rustygpt_tui.widgets.composer import Composer
from rustygpt_tui.widgets.transcript.entries import Entry
from rustygpt_tui.widgets.transcript.widget import Transcript
from rustygpt_tui.widgets.typing_line import TypingLine


class ThreadPane(Vertical, WorkerErrorMixin):
    """Shows one thread of a conversation, or the start of a new one.

    `ComposeController` holds what is written, and uses the pane as its `ComposeView`;
    `TranscriptController` fills the transcript.
    """

    class ThreadStarted(Message):
        """A new thread was posted."""

        def __init__(self, root_id: UUID) -> None:
            super().__init__()
            self.root_id = root_id

    def __init__(self, client: Client, drafts: AccountDrafts, *, id: str) -> None:
        super().__init__(id=id)
        self._client = client
        self._controller = ComposeController(client, drafts, self)
        self._messages = TranscriptController(self._controller)

    def compose(self) -> ComposeResult:
        """Create the header, the messages, the typing line, the bar and the composer."""
        yield Static("", id="talk-header", markup=False)
        yield self.transcript
        yield TypingLine(id="talk-writers")
        yield Static("", id="talk-bar", markup=False)
        yield Composer(id="composer")

    @property
    def root(self) -> UUID | None:
        """The id of the open thread; None for a new one."""
        return self._controller.root

    @property
    def state(self) -> State | None:
        """The state of the open conversation, once it is loaded."""
        return self._controller.state

    @property
    def transcript(self) -> Transcript:
        """The widget of the messages."""
        return self._messages.transcript

    @property
    def composer(self) -> Composer:
        """The text field."""
        return self.query_one(Composer)

    def on_resize(self) -> None:
        """Cut header and bar to the new width."""
        self.redraw_chrome()

    # Which thread is shown

    def show_empty(self, text: str) -> None:
        """Show a text instead of a conversation."""
        self._controller.open(None, None)
        self._messages.show_empty(text)
        self.composer.set_text("")
        self.composer.read_only = True
        self.redraw_chrome()

    def show_thread(self, conversation: ConversationSession, root: UUID | None) -> None:
        """Show a thread of a loaded conversation; without a root, the start of a new thread."""
        self._controller.open(conversation, root)
        self._messages.reset()
        if root is not None:
            self._load(conversation, root)
        self._controller.restore_draft()
        self.redraw()

    def show_new_thread(self, root: UUID) -> None:
        """Show the thread that the user just started; text typed since is kept."""
        conversation = self._controller.conversation
        if conversation and self.root is None:
            typed = self.composer.text
            self.composer.set_text("")
            self.show_thread(conversation, root)
            self._messages.hide_unread_divider()
            self.composer.set_text(typed)

    def apply_changes(self, changes: Changes) -> None:
        """Show what changed in the state of the conversation."""
        for message_id in changes.messages:
            self._controller.confirm(message_id)
        if self.state is None:
            return
        if self.root in changes.reloaded or changes.participants:
            self.redraw()
        elif self.root in changes.threads_of_messages or changes.errors:
            self._messages.update(changes.messages | changes.errors)
        if changes.streamed:
            self.transcript.update_streaming(list(changes.streamed))
        chrome = changes.info or changes.participants or changes.threads
        if chrome or self.root in changes.typing:
            self.redraw_chrome()
        if self.root in changes.unread:
            self._mark_read_if_seen()

    # Loading and reading

    @work(group="thread", exclusive=True, exit_on_error=False)
    async def _load(self, conversation: ConversationSession, root: UUID) -> None:
        await self._messages.load(conversation, root)

    def resume_loading(self) -> None:
        """Continue to load a thread whose loading failed."""
        conversation = self._controller.conversation
        if self._messages.is_loading and conversation and self.root:
            self._load(conversation, self.root)

    @on(Transcript.NearEnd)
    @work(group="more", exclusive=True, exit_on_error=False)
    async def _load_more(self) -> None:
        await self._messages.load_more()

    def on_app_focus_changed(self) -> None:
        """Mark the thread read when the terminal window comes to the front."""
        self._mark_read_if_seen()

    @on(Transcript.EndSeen)
    def _mark_read_if_seen(self) -> None:
        """Mark the thread read if its end is in view and the terminal window in front."""
        conversation = self._controller.conversation
        newest = self._messages.take_unmarked() if self.app.app_focus else None
        if conversation and self.root and newest:
            self._mark_read(conversation, self.root, newest)

    @work(group="read", exclusive=True, exit_on_error=False)
    async def _mark_read(self, conversation: ConversationSession, root: UUID, newest: UUID) -> None:
        await self._messages.mark_read(conversation, root, newest)

    # The selected message and the running answer

    def reply(self) -> None:
        """Reply to the selected message with the next text; the text so far is kept."""
        selected = self.transcript.selected_or_lowest()
        if selected is not None and self._controller.conversation is not None:
            self._controller.start_reply(selected.id)
            self.composer.focus()

    def leave_reply_or_composer(self) -> bool:
        """Cancel the reply, else leave the composer; return False when there was neither."""
        if self._controller.cancel_reply():
            return True
        if self.composer.has_focus:
            self.transcript.focus()
            return True
        return False

    def copy(self) -> None:
        """Copy the Markdown text of the selected message."""
        selected = self.transcript.selected_or_lowest()
        if selected is not None:
            self.app.copy_to_clipboard(self._source(selected))

    def copy_code(self) -> None:
        """Copy the code of the selected message; of several blocks, the user chooses one."""
        selected = self.transcript.selected_or_lowest()
        blocks = code_blocks(self._source(selected)) if selected else []

        def on_chosen(index: str | None) -> None:
            if index is not None:
                self.app.copy_to_clipboard(blocks[int(index)].code)

        if len(blocks) > 1:
            choices = [Choice(str(i), code_block_label(block)) for i, block in enumerate(blocks)]
            self.app.push_screen(ChooseDialog("Copy which code?", choices), on_chosen)
        elif blocks:
            on_chosen("0")
        elif selected:
            self.app.notify("There is no code in this message.", markup=False, timeout=2)

    def _source(self, entry: Entry) -> str:
        return self._messages.text_of(entry.id) or entry.message.content

    def answer_in_progress(self) -> MessageView | None:
        """Return the newest answer of this thread that is still being written."""
        state = self.state
        return running_answer(state, self.root) if state and self.root else None

    @work(group="stop", exit_on_error=False)
    async def stop_answer(self, answer: MessageView) -> None:
        """Ask the server to stop an answer."""
        try:
            await self._client.cancel(answer.id)
        except ClientError as failure:
            self._controller.show_failure(failure.sentence)

    @on(Transcript.LinkClicked)
    def _open_link(self, event: Transcript.LinkClicked) -> None:
        self.app.open_url(event.href)

    # Writing: handlers and workers of the compose controller, and its view

    @on(Composer.Submitted)
    def _on_submitted(self, event: Composer.Submitted) -> None:
        message = self._controller.submit(event.text)
        if message is not None:
            self._send(message)
            self.transcript.follow()
            self.redraw_pending()

    @work(group="send", exit_on_error=False)
    async def _send(self, message: PendingMessage) -> None:
        await self._controller.send(message)

    @on(TextArea.Changed, "#composer")
    def _on_typed(self) -> None:
        seconds = self._controller.on_typed()
        conversation = self._controller.conversation
        if seconds is not None and conversation and self.root:
            self._send_typing(conversation.id, self.root, seconds)

    @work(group="typing", exit_on_error=False)
    async def _send_typing(self, conversation_id: UUID, root: UUID, seconds: int) -> None:
        await self._controller.send_typing(conversation_id, root, seconds)

    @property
    def composed_text(self) -> str:
        """The text in the composer."""
        return self.composer.text

    @property
    def accepts_text(self) -> bool:
        """False while the composer is read-only or not on a screen."""
        return self.is_attached and not self.composer.read_only

    def set_composed_text(self, text: str) -> None:
        """Replace the text in the composer."""
        self.composer.set_text(text)

    def notify_error(self, text: str) -> None:
        """Show an error as a notification."""
        self.app.notify(text, severity="error", markup=False)

    def announce_thread(self, root_id: UUID) -> None:
        """Post that the new thread exists on the server."""
        self.post_message(self.ThreadStarted(root_id))

    # Drawing

    def redraw(self) -> None:
        """Draw the thread as it is now, and the lines around it."""
        self._messages.redraw()
        self.redraw_chrome()

    def redraw_pending(self) -> None:
        """Draw the unconfirmed messages, and remove those that were confirmed."""
        self._messages.update(())
        self.redraw_chrome()

    def redraw_chrome(self) -> None:
        """Draw the header above the messages, and typing line, bar and composer below them."""
        state = self.state
        cells = max(10, self.size.width - 4)
        header = Content.assemble(*header_parts(state, self.root, cells))
        self.query_one("#talk-header", Static).update(header)
        may_only_read = state is not None and state.role in {None, "viewer"}
        self.composer.read_only = state is None or may_only_read
        self.composer.placeholder = (
            "You may read here, not write." if may_only_read else "Write a message"
        )
        self.query_one(TypingLine).show(state, self.root, cells)
        bar = self.query_one("#talk-bar", Static)
        bar.update(self._bar(cells))
        is_new_thread = state is not None and self.root is None
        bar.display = bool(self._controller.failure or self._controller.reply_to or is_new_thread)

    def _bar(self, cells: int) -> Content:
        if self._controller.failure:
            return Content.styled(one_line(self._controller.failure), "$text-error")
        reply_to = self._controller.reply_to
        if reply_to is None:
            return Content.styled("A new thread", "$foreground 60%")
        message = self.state.message(reply_to) if self.state else None
        entry = self.transcript.selected
        author = entry.author if entry and entry.id == reply_to else ""
        label = reply_label(author, message.content if message else "", cells)
        return Content.styled(label, "$text-primary")
