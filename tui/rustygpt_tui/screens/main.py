"""The main screen: lists at the left, the open thread at the right, the status line below."""

import time
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen
from textual.worker import Worker

from rustygpt_shared.models.users import User
from rustygpt_tui.client.feed import Connection, Disconnected
from rustygpt_tui.client.http import Client
from rustygpt_tui.conversation.account_drafts import AccountDrafts
from rustygpt_tui.conversation.conversation_controller import ConversationController, first_thread
from rustygpt_tui.conversation.links import Link
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.conversation.timing import Timing
from rustygpt_tui.errors import ClientError, NotSignedIn
from rustygpt_tui.messages import ConnectionChanged, ListChanged, StoreChanged
from rustygpt_tui.render.text import one_line
from rustygpt_tui.screens.account_dialogs import AccountDialogs
from rustygpt_tui.screens.compose_keys import ComposeKeysMixin
from rustygpt_tui.screens.conversation_dialogs import ConversationDialogs
from rustygpt_tui.screens.key_hints import Answering, key_hints
from rustygpt_tui.screens.message_keys import MessageKeysMixin
from rustygpt_tui.screens.search_keys import SearchKeysMixin
from rustygpt_tui.screens.side_panel import SidePanel
from rustygpt_tui.screens.thread_pane import ThreadPane
from rustygpt_tui.screens.transfer import TransferDialogs
from rustygpt_tui.screens.unread_walk import UnreadWalk
from rustygpt_tui.screens.worker_errors import WorkerErrorMixin
from rustygpt_tui.store.state import Changes, State, display_name
from rustygpt_tui.widgets.bindings import bindings
from rustygpt_tui.widgets.lists import SideList
from rustygpt_tui.widgets.status import StatusLine


class MainScreen(
    Screen[None], WorkerErrorMixin, MessageKeysMixin, SearchKeysMixin, ComposeKeysMixin
):
    """Shows what its `ConversationController` holds, and maps keys to actions."""

    BINDINGS = bindings("anywhere")
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-medium"), (120, "-wide")]

    def __init__(
        self,
        client: Client,
        user: User,
        drafts: AccountDrafts,
        now: Callable[[], datetime],
        timing: Timing,
    ) -> None:
        """`now` is the clock that the age of threads is measured by."""
        super().__init__()
        self._now = now
        self._drafts = drafts
        self.controller = ConversationController(
            client,
            user,
            timing=timing,
            on_changes=self._post_changes,
            on_list=self._post_list,
            on_connection=self._post_connection,
            on_signed_out=self._on_signed_out,
        )
        self._dialogs = ConversationDialogs(
            self,
            self.controller,
            on_created=self._on_created,
            on_chosen=self.go_to_conversation,
            on_changed=self.controller.refresh_list,
        )
        self.account_dialogs = AccountDialogs(self, client, on_joined=self._on_joined)
        self.transfer_dialogs = TransferDialogs(
            self, self.controller, on_imported=self.go_to_conversation
        )
        self._unread_walk = UnreadWalk(self)
        self.loading_conversation: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        """Create the side panel, the thread pane and the status line."""
        with Horizontal(id="body"):
            yield SidePanel(id="side")
            yield ThreadPane(
                self.controller.client,
                self._drafts,
                moment=self.controller.timing.seen_after,
                id="talk",
            )
        yield StatusLine(id="status")

    def on_mount(self) -> None:
        """Follow all conversations, and start the periodic requests."""
        timing = self.controller.timing
        self.add_class("-lists")
        self.thread_pane.show_empty("Loading …")
        self.status.show_person(display_name(self.controller.user))
        self.follow()
        self.controller.refresh_list()
        self.send_heartbeat()
        self.set_interval(timing.heartbeat_interval, self.send_heartbeat)
        self.side_panel.conversations.focus()
        self.watch(self.app, "app_focus", self.thread_pane.on_view_changed, init=False)
        self.watch(self.app, "had_input", self.thread_pane.on_view_changed, init=False)
        self.watch(self, "focused", self._on_focus_moved, init=False)
        self.watch(self.thread_pane.composer, "read_only", self.show_hints, init=False)
        self.call_after_refresh(self._on_focus_moved)
        if self.start_at:
            self.go_to_link(self.start_at)

    @property
    def side_panel(self) -> SidePanel:
        """The left side."""
        return self.query_one(SidePanel)

    @property
    def thread_pane(self) -> ThreadPane:
        """The right side."""
        return self.query_one(ThreadPane)

    @property
    def status(self) -> StatusLine:
        """The status line."""
        return self.query_one(StatusLine)

    def _on_focus_moved(self) -> None:
        self.set_class(isinstance(self.focused, SideList), "-lists")
        self.show_hints()

    def show_hints(self) -> None:
        """Show the keys that are useful where the focus is."""
        pane = self.thread_pane
        other: Answering = "other" if pane.answer_in_progress() else None
        answering = "own" if pane.answer_in_progress(own=True) else other
        selected = pane.transcript.selected
        self.status.show_hints(key_hints(self.focused, answering, selected))

    def focus_messages(self) -> None:
        """Move the focus to the messages; of a new thread, which has none, to the composer."""
        self.remove_class("-lists")
        pane = self.thread_pane
        is_new = pane.state is not None and pane.root is None and pane.accepts_text
        (pane.composer if is_new else pane.transcript).focus()

    def focus_composer(self) -> None:
        """Move the focus to the composer."""
        self.remove_class("-lists")
        self.thread_pane.composer.focus()

    # Conversations and threads

    @work(group="heartbeat", exclusive=True, exit_on_error=False)
    async def send_heartbeat(self) -> None:
        """Report that the user is present; without it the server shows them as away."""
        await self.controller.send_heartbeat()

    @work(group="stream", exclusive=True, exit_on_error=False)
    async def follow(self) -> None:
        """Follow all conversations; a running stream is closed and opened again."""
        try:
            await self.controller.follow()
        except NotSignedIn as failure:
            self._on_signed_out(failure)
            return
        except ClientError:  # no server of ours: it is not asked again, until the user retries
            self.status.show_connection(None)
            raise
        self._on_signed_out(NotSignedIn("Your session ended."))

    def on_unmount(self) -> None:
        """Stop what runs in the background."""
        self.controller.stop()

    def on_screen_suspend(self) -> None:
        """Count nothing as read while another screen covers this one."""
        self.thread_pane.on_view_changed()

    def on_screen_resume(self) -> None:
        """Go on after another screen was closed."""
        self.thread_pane.on_view_changed()

    def open_conversation(self, id: UUID, link: Link | None = None) -> None:
        """Open a conversation at a link, by default at its first unread or newest thread."""
        session = self.controller.open(id)
        if session.state is not None:
            self._open_at(session.state, link)
            return
        self.thread_pane.show_empty("Loading …")
        self._show_lists()
        self.loading_conversation = self._load_conversation(session, link)

    def _open_at(self, state: State, link: Link | None) -> None:
        root = link.root_id if link else None
        self.open_thread(root or first_thread(state), link.message_id if link else None)
        if self.focused is self.thread_pane.transcript:
            self.focus_messages()

    def go_to_conversation(self, id: UUID) -> None:
        """Open a conversation, and move the focus to its messages."""
        self.open_conversation(id)
        self.focus_messages()

    @work(group="conversation", exclusive=True, exit_on_error=False)
    async def _load_conversation(self, session: ConversationSession, link: Link | None) -> None:
        try:
            state = await session.load()
        except NotSignedIn as failure:
            self._on_signed_out(failure)
        except ClientError as failure:
            self.controller.forget_failed(session)
            self.thread_pane.show_empty(f"{failure.sentence} F5 tries again.")
        else:
            self._open_at(state, link)

    def open_thread(self, root: UUID | None, at: UUID | None = None) -> None:
        """Show a thread of the open conversation; without a root, the start of a new thread.

        It opens at the message `at`, else where reading stopped.
        """
        session = self.controller.loaded_session
        if session:
            self.thread_pane.show_thread(session, root, at)
            self._show_lists()
            self.show_hints()

    @on(SideList.NearEnd, "#conversations")
    @work(group="more-conversations", exclusive=True, exit_on_error=False)
    async def _load_more_conversations(self) -> None:
        if await self.controller.load_more_conversations():
            self._show_lists()

    @on(SideList.NearEnd, "#threads")
    @work(group="more-threads", exclusive=True, exit_on_error=False)
    async def _load_more_threads(self) -> None:
        session = self.controller.loaded_session
        if session:
            await session.load_more_threads()

    @on(SideList.Selected, "#conversations")
    def _on_conversation_selected(self, event: SideList.Selected) -> None:
        if not self.controller.is_open(event.id):
            self.open_conversation(event.id)
        if self.has_class("-narrow"):
            self.side_panel.threads.focus()
        else:
            self.focus_messages()

    @on(SideList.Selected, "#threads")
    def _on_thread_selected(self, event: SideList.Selected) -> None:
        self.open_thread(event.id)
        self.focus_messages()

    @on(ThreadPane.ThreadStarted)
    def _on_thread_started(self, event: ThreadPane.ThreadStarted) -> None:
        self.thread_pane.show_new_thread(event.root_id)
        self._show_lists()

    @on(ThreadPane.ThreadPosted)
    def _on_thread_posted(self, event: ThreadPane.ThreadPosted) -> None:
        self.open_thread(event.root_id)

    def _on_created(self, conversation_id: UUID) -> None:
        self.open_conversation(conversation_id)
        self.controller.refresh_list()
        self.focus_composer()

    def _on_joined(self, conversation_id: UUID) -> None:
        self.controller.refresh_list()
        self.go_to_conversation(conversation_id)

    # Changes that the server reported

    def _post_changes(self, conversation_id: UUID, changes: Changes) -> None:
        self.post_message(StoreChanged(conversation_id, changes))

    def _post_list(self) -> None:
        self.post_message(ListChanged())

    def _post_connection(self, connection: Connection) -> None:
        self.post_message(ConnectionChanged(connection))

    def on_list_changed(self) -> None:
        """Draw the list, and open the first conversation when none is open."""
        self._show_lists()
        conversations = self.controller.conversations
        if self.controller.selected_id is not None or not self.controller.is_list_fetched:
            return
        if conversations:
            self.open_conversation(conversations[0].id)
        else:
            self.thread_pane.show_empty("No conversations yet. Press c to start one.")

    def on_store_changed(self, message: StoreChanged) -> None:
        """Draw what changed, and measure how long that takes."""
        session = self.controller.loaded_session
        if session is None or session.state is None:
            return
        if session.id != message.conversation_id:
            self._show_lists()
            return
        if session.state.left:
            self._on_removed(session.state)
            return
        started_at = time.perf_counter()
        changes = message.changes
        self.thread_pane.apply_changes(changes)
        if changes.info or changes.threads or changes.unread:
            self._show_lists()
        if changes.participants or changes.presence:
            self._dialogs.redraw_people()
        self.show_hints()
        session.paint_seconds = time.perf_counter() - started_at

    def on_connection_changed(self, message: ConnectionChanged) -> None:
        """Show the state of the stream's connection."""
        connection = message.connection
        self.status.show_connection(connection)
        if isinstance(connection, Disconnected) and not self.controller.is_list_fetched:
            self.thread_pane.show_empty(connection.reason)

    def _on_removed(self, state: State) -> None:
        """Close a conversation that was deleted, or that the user was removed from."""
        title = one_line(state.info.title)
        text = f"{title} was deleted." if state.deleted else f"You are no longer in {title}."
        self.notify(text, markup=False)
        self.controller.close()
        self.thread_pane.show_empty("Choose a conversation.")
        self._show_lists()

    def _on_signed_out(self, failure: ClientError) -> None:
        self.workers.cancel_group(self, "stream")
        self.app.call_later(self.app.run_action, "app.sign_in")
        self.log(failure.sentence)

    def _show_lists(self) -> None:
        self.side_panel.show(self.controller, self.thread_pane.root, self._now())

    # Actions of keys

    def action_focus_lists(self) -> None:
        """Move the focus to the conversations; from there to the threads and back."""
        self.add_class("-lists")
        self.side_panel.focus_next()

    def action_compose(self) -> None:
        """Move the focus to the composer."""
        self.focus_composer()

    def action_read(self, step: int) -> None:
        """Scroll the messages by a page while the focus stays in the composer."""
        self.thread_pane.transcript.action_page(step)

    def action_back(self) -> None:
        """Leave the composer, and stop the answer that the user asked for; else go back."""
        if self.thread_pane.leave_edit():
            return
        was_composing = self.thread_pane.leave_reply_or_composer()
        answer = self.thread_pane.answer_in_progress(own=True)
        if answer is not None and not isinstance(self.focused, SideList):
            self.thread_pane.stop_answer(answer)
        elif not was_composing:
            self.action_focus_lists()

    def action_stop(self) -> None:
        """Stop the answer in progress."""
        if (answer := self.thread_pane.answer_in_progress()) is not None:
            self.thread_pane.stop_answer(answer)

    def action_reply(self) -> None:
        """Reply to the selected message."""
        self.thread_pane.reply()

    def action_copy(self) -> None:
        """Copy the selected message."""
        self.thread_pane.copy()

    def action_copy_link(self) -> None:
        """Copy a link to the selected message."""
        self.thread_pane.copy_link()

    def action_copy_code(self) -> None:
        """Copy a code block of the selected message."""
        self.thread_pane.copy_code()

    def action_open_link(self) -> None:
        """Open or copy a link in the selected message."""
        self.thread_pane.open_link()

    def action_new_thread(self) -> None:
        """Start a thread in the open conversation."""
        if self.controller.state:
            self.open_thread(None)
            self.focus_composer()

    @work(group="next-unread", exclusive=True, exit_on_error=False)
    async def action_next_unread(self) -> None:
        """Go to the next unread message: in this thread, in another, in another conversation."""
        focused = self.focused
        sentence = await self._unread_walk.step()
        if sentence:
            self.notify(sentence, markup=False, timeout=2)
        elif self.focused is focused:  # else the user has gone elsewhere meanwhile
            self.focus_messages()

    def action_mark_read(self) -> None:
        """Mark the thread as read."""
        self.thread_pane.mark_read()

    def action_mark_unread(self) -> None:
        """Mark the selected message and all later ones as unread."""
        self.thread_pane.mark_unread()

    def action_reply_newest(self) -> None:
        """Reply to the message that the view ends with."""
        self.thread_pane.reply_to_newer()

    def action_retry(self) -> None:
        """Connect again now, and load what was not loaded."""
        self.follow()
        self.controller.refresh_list()
        if self.controller.loaded_session:
            self.thread_pane.resume_loading()
        elif self.controller.selected_id:
            self.open_conversation(self.controller.selected_id)

    def action_people(self) -> None:
        """Show the participants of the conversation."""
        self._dialogs.show_people()

    def action_new_conversation(self) -> None:
        """Start a conversation."""
        self._dialogs.create()

    def action_settings(self) -> None:
        """Change the conversation's settings."""
        self._dialogs.edit_settings()

    def action_manage_conversation(self) -> None:
        """Archive, leave or delete the conversation, or show the archived ones."""
        self._dialogs.manage()

    def action_rename(self) -> None:
        """Rename the conversation."""
        self._dialogs.rename()
