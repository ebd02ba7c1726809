"""The right side of the main screen: a thread's messages and the composer below them."""

from typing import Final
from uuid import UUID

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Static, TextArea

from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.client.http import Client
from rustygpt_tui.conversation import web_browser
from rustygpt_tui.conversation.account_drafts import AccountDrafts
from rustygpt_tui.conversation.compose_controller import ComposeController
from rustygpt_tui.conversation.links import Link
from rustygpt_tui.conversation.message_extras import MessageExtras
from rustygpt_tui.conversation.message_sender import PendingMessage
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.conversation.view_models import (
    answer_to_stop,
    code_block_label,
    header_parts,
    running_answers,
    target_label,
)
from rustygpt_tui.errors import ClientError
from rustygpt_tui.render.code_blocks import code_blocks
from rustygpt_tui.render.links import links
from rustygpt_tui.render.text import one_line, shorten
from rustygpt_tui.screens.compose_extras import ComposeExtras
from rustygpt_tui.screens.dialogs import Choice, ChooseDialog, LinkDialog
from rustygpt_tui.screens.message_changes import MessageChangesPane
from rustygpt_tui.screens.transcript_controller import TranscriptController
from rustygpt_tui.store.state import Changes, State
from rustygpt_tui.widgets.composer import Composer
from rustygpt_tui.widgets.extras_line import ExtrasLine
from rustygpt_tui.widgets.transcript.entries import Entry
from rustygpt_tui.widgets.transcript.widget import Transcript
from rustygpt_tui.widgets.typing_line import TypingLine

_LINK_CELLS = 120
_TARGET_SECONDS: Final = 0.3
"""How long the words of an answer in progress are collected for the line that names it."""
_TARGET_CHARACTERS: Final = 400
"""An answer with this many characters is named by words that do not change any more."""


class ThreadPane(MessageChangesPane):
    """Shows one thread of a conversation, or the start of a new one.

    `ComposeController` holds what is written, and uses the pane as its `ComposeView`;
    `TranscriptController` fills the transcript.
    """

    class ThreadStarted(Message):
        """A new thread was posted."""

        def __init__(self, root_id: UUID) -> None:
            super().__init__()
            self.root_id = root_id

    def __init__(self, client: Client, drafts: AccountDrafts, *, moment: float, id: str) -> None:
        """`moment` is how many seconds a message has to be on screen to be seen."""
        controller = ComposeController(client, drafts, self)
        super().__init__(client, controller, TranscriptController(controller, moment), id=id)
        self.extras = ComposeExtras(self, controller, client)
        self._target_timer: Timer | None = None
        self._named_characters: int | None = None
        """The length of the text that the bar names the target by; None when it names none."""

    def compose(self) -> ComposeResult:
        """Create the header, the messages, the typing line, the bar and the composer."""
        yield Static("", id="talk-header", markup=False)
        yield self.transcript
        yield TypingLine(id="talk-writers")
        yield Static("", id="talk-bar", markup=False)
        yield ExtrasLine(id="talk-extras")
        yield Composer(id="composer")

    @property
    def root(self) -> UUID | None:
        """The id of the open thread; None for a new one."""
        return self._controller.root

    @property
    def state(self) -> State | None:
        """The state of the open conversation, once it is loaded."""
        return self._controller.state

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

    def show_thread(
        self, conversation: ConversationSession, root: UUID | None, at: UUID | None = None
    ) -> None:
        """Show a thread of a loaded conversation; without a root, the start of a new thread.

        It opens at the message `at`, else where reading stopped.
        """
        self._controller.open(conversation, root)
        self._messages.reset()
        if root is not None:
            self._loading = self._load(conversation, root, at)
        self._controller.restore_draft()
        self.redraw()

    def show_new_thread(self, root: UUID) -> None:
        """Show the thread that the user just started; text typed since is kept."""
        conversation = self._controller.conversation
        if conversation and self.root is None:
            self._controller.continue_in(root)
            self._messages.reset()
            self._loading = self._load(conversation, root, None, is_new=True)
            self.redraw()

    def apply_changes(self, changes: Changes) -> None:
        """Show what changed in the state of the conversation."""
        for message_id in changes.messages:
            self._controller.confirm(message_id)
        if self.state is None:
            return
        self._controller.recognise_failed()
        self._apply_to_messages(changes)
        if self.root in changes.unread:
            self.show_unread()
        chrome = changes.info or changes.participants or changes.threads
        if chrome or self.root in changes.typing:
            self.redraw_chrome()

    def _apply_to_messages(self, changes: Changes) -> None:
        if self.root in changes.reloaded:
            self._reload()
        elif changes.participants or (self.root is None and changes.threads):
            self.redraw()
        elif self.root in changes.threads_of_messages or changes.info:
            self._messages.update(changes.messages)
        self._ticker.apply_changes(changes)
        if self._messages.target_id in changes.messages:
            self._redraw_bar()
        if changes.streamed:
            self.transcript.update_streaming(list(changes.streamed))
            self._name_growing_target(changes.streamed)
        self.apply_to_comparison(changes)

    # The selected message and the running answer

    def reply(self) -> None:
        """Reply to the selected message with the next text; the text so far is kept."""
        selected = self.transcript.selected_or_lowest()
        if selected is not None and self._controller.conversation is not None:
            self._controller.choose_target(selected.id)
            self.composer.focus()

    def reply_to_newer(self) -> None:
        """Reply to the message that the view ends with; the text so far is kept."""
        self._controller.choose_newer()

    def leave_reply_or_composer(self) -> bool:
        """Leave the composer, else give up the selected target; return False without both."""
        if not self.composer.has_focus and self._controller.cancel_choice():
            return True
        if self.composer.has_focus:
            self.transcript.focus()
            return True
        return False

    def copy(self) -> None:
        """Copy the Markdown text of the selected message."""
        selected = self.transcript.selected_or_lowest()
        self.app.copy_to_clipboard(self._source(selected) if selected else "")

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
        else:
            self.app.copy_to_clipboard("")

    def copy_link(self) -> None:
        """Copy the address of the selected message."""
        selected = self.transcript.selected_or_lowest()
        if selected is None:
            self.app.copy_to_clipboard("")
            return
        message = selected.message
        link = Link(message.conversation_id, message.root_id, message.id)
        self.app.copy_to_clipboard(link.address(self._client.origin))

    def _source(self, entry: Entry) -> str:
        return self._messages.text_of(entry.id) or entry.message.content

    def answer_in_progress(self, *, own: bool = False) -> MessageView | None:
        """Return an answer of this thread that is still being written, the one to stop.

        It is the selected one, else the newest in view, else the newest. `own` limits it to those
        that the user asked for.
        """
        state = self.state
        running = running_answers(state, self.root, own=own) if state and self.root else []
        if not running:
            return None
        selected = self.transcript.selected
        in_view = {entry.id for entry in self.transcript.visible_entries()}
        return answer_to_stop(running, selected.id if selected else None, in_view)

    @work(group="stop", exit_on_error=False)
    async def stop_answer(self, answer: MessageView) -> None:
        """Ask the server to stop an answer."""
        try:
            await self._client.cancel(answer.id)
        except ClientError as failure:
            self._controller.show_failure(failure.sentence)

    def open_link(self) -> None:
        """Ask to open a link in the selected message; of several, the user chooses one."""
        selected = self.transcript.selected_or_lowest()
        addresses = links(self._source(selected)) if selected else []

        def on_chosen(index: str | None) -> None:
            if index is not None:
                self._ask_to_open(addresses[int(index)])

        if len(addresses) > 1:
            choices = [Choice(str(i), shorten(a, _LINK_CELLS)) for i, a in enumerate(addresses)]
            self.app.push_screen(ChooseDialog("Which link?", choices), on_chosen)
        elif addresses:
            on_chosen("0")
        else:
            self.app.notify("There is no link in this message.", markup=False, timeout=2)

    @on(Transcript.LinkClicked)
    def _on_link_clicked(self, event: Transcript.LinkClicked) -> None:
        self._ask_to_open(event.href)

    def _ask_to_open(self, address: str) -> None:
        """Show where a link leads before anything is opened."""

        def on_chosen(choice: str | None) -> None:
            if choice == "open":
                self._open_in_browser(address)
            elif choice == "copy":
                self.app.copy_to_clipboard(address)

        self.app.push_screen(LinkDialog(address), on_chosen)

    @work(group="browser", exit_on_error=False)
    async def _open_in_browser(self, address: str) -> None:
        """Open an address; without a browser copy it, and say so."""
        if not await web_browser.open_address(address):
            self.notify_error("No web browser can be opened here. The address is copied instead.")
            self.app.copy_to_clipboard(address)

    # Writing: handlers and workers of the compose controller, and its view

    @on(Composer.Submitted)
    def _on_submitted(self, event: Composer.Submitted) -> None:
        if editing := self._controller.editing:
            self.save_edit(editing, event.text)
            return
        for message in self._controller.submit(event.text):
            self.redraw_pending()
            self._messages.show_own(message.id)
            self.start_sending(message)

    def start_sending(self, message: PendingMessage) -> None:
        """Send a message in the background, and keep it in sight."""
        self._send(message)

    @work(group="send", exit_on_error=False)
    async def _send(self, message: PendingMessage) -> None:
        await self._controller.send(message)
        if message.posted and message.posted.root_id == self.root:
            await self._messages.keep_own_in_sight(message.posted.message_id)

    @on(TextArea.Changed, "#composer")
    def _on_typed(self) -> None:
        self.extras.on_changed()
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
        editing = self._controller.editing
        is_saving = editing is not None and editing.is_saving
        self.composer.read_only = state is None or self._may_only_read or is_saving
        self.composer.placeholder = self._refusal or "Write a message"
        self.query_one(TypingLine).show(state, self.root, cells)
        self._redraw_bar()
        self._redraw_extras()

    def _redraw_bar(self) -> None:
        if self._target_timer is not None:
            self._target_timer.stop()
            self._target_timer = None
        bar = self.query_one("#talk-bar", Static)
        text = self._bar(max(10, self.size.width - 4))
        bar.update(text)
        bar.display = bool(text.plain)

    def _name_growing_target(self, streamed: frozenset[UUID]) -> None:
        """Draw the first words of an answer soon, once for many deltas."""
        named = self._named_characters
        if named is None or named >= _TARGET_CHARACTERS or self._target_timer is not None:
            return
        if self._messages.target_id in streamed:
            self._target_timer = self.set_timer(_TARGET_SECONDS, self._redraw_bar)

    def _redraw_extras(self) -> None:
        extras = MessageExtras() if self._controller.editing else self._controller.extras
        left = extras.characters_left(self.composer.text) if extras.attachments else 0
        offer = self.extras.offer.hint if self.extras.offer else ""
        line = self.query_one(ExtrasLine)
        line.show(extras.attachments, extras.model, left=left, offer=offer)
        self.composer.may_send_empty = bool(extras.attachments)

    def _bar(self, cells: int) -> Content:
        controller = self._controller
        self._named_characters = None
        if controller.failure:
            return Content.styled(one_line(controller.failure), "$text-error")
        if self.state is None:
            return Content("")
        if self._may_only_read:  # a placeholder is not visible below a draft
            text = f"{self._refusal} Your draft is kept."
            return Content.styled(text if self.composer.text else "", "$text-warning")
        if controller.editing:
            return Content.styled(controller.editing.hint, "$text-warning")
        if self.root is None:
            return Content.styled("A new thread", "$foreground 60%")
        target = self._messages.target_message()
        if target is None or (self._messages.is_plain_chat() and not controller.has_newer):
            return Content("")
        hint = "  ^t: the newest message instead" if self._offers_newer else ""
        author, text = target
        self._named_characters = len(text)
        label = target_label(author, text, max(10, cells - len(hint)))
        return Content.assemble((label, "$text-primary"), (hint, "$foreground 60%"))

    @property
    def _may_only_read(self) -> bool:
        return bool(self._refusal)

    @property
    def _refusal(self) -> str:
        """Why the user may not write here, in one sentence; empty if they may."""
        state = self.state
        if state is not None and state.info.archived_at is not None:
            return "This conversation is archived: read only."
        if state is not None and state.role in {None, "viewer"}:
            return "You may read here, not write."
        return ""

    @property
    def _offers_newer(self) -> bool:
        return self._controller.has_newer and bool(self.composer.text.strip())
