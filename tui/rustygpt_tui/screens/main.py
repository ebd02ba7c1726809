"""The main screen: lists at the left, the open thread at the right, the status line below."""

import time
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen

from rustygpt_shared.models.users import User
from rustygpt_tui.client.feed import Connecting, Disconnected, Live
from rustygpt_tui.client.http import Client
from rustygpt_tui.conversation.account_drafts import AccountDrafts
from rustygpt_tui.conversation.conversation_controller import ConversationController, first_thread
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.conversation.timing import Timing
from rustygpt_tui.errors import ClientError, NotSignedIn
from rustygpt_tui.messages import ConnectionChanged, StoreChanged
from rustygpt_tui.render.text import one_line
from rustygpt_tui.screens.conversation_dialogs import ConversationDialogs
from rustygpt_tui.screens.key_hints import key_hints
from rustygpt_tui.screens.side_panel import SidePanel
from rustygpt_tui.screens.thread_pane import ThreadPane
from rustygpt_tui.screens.worker_errors import WorkerErrorMixin
from rustygpt_tui.store.state import Changes, display_name
from rustygpt_tui.widgets.bindings import bindings
from rustygpt_tui.widgets.lists import SideList
from rustygpt_tui.widgets.status import StatusLine


class MainScreen(Screen[None], WorkerErrorMixin):
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
            on_connection=self._post_connection,
        )
        self._dialogs = ConversationDialogs(
            self, self.controller, on_created=self._on_created, on_changed=self.list_conversations
        )

    def compose(self) -> ComposeResult:
        """Create the side panel, the thread pane and the status line."""
        with Horizontal(id="body"):
            yield SidePanel(id="side")
            yield ThreadPane(self.controller.client, self._drafts, id="talk")
        yield StatusLine(id="status")

    def on_mount(self) -> None:
        """Fetch the conversations, and start the periodic requests."""
        timing = self.controller.timing
        self.add_class("-lists")
        self.thread_pane.show_empty("Loading …")
        self.status.show_person(display_name(self.controller.user))
        self.list_conversations()
        self.set_interval(timing.list_refresh_interval, self.list_conversations)
        self.send_heartbeat()
        self.set_interval(timing.heartbeat_interval, self.send_heartbeat)
        self.side_panel.conversations.focus()
        self.watch(self.app, "app_focus", self.thread_pane.on_app_focus_changed, init=False)
        self.watch(self, "focused", self._on_focus_moved, init=False)
        self.call_after_refresh(self._on_focus_moved)

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
        answering = self.thread_pane.answer_in_progress() is not None
        self.status.show_hints(key_hints(self.focused, answering=answering))

    def focus_composer(self) -> None:
        """Move the focus to the composer."""
        self.remove_class("-lists")
        self.thread_pane.composer.focus()

    # Conversations and threads

    @work(group="heartbeat", exclusive=True, exit_on_error=False)
    async def send_heartbeat(self) -> None:
        """Report that the user is present; without it the server shows them as away."""
        await self.controller.send_heartbeat()

    @work(group="list", exclusive=True, exit_on_error=False)
    async def list_conversations(self) -> None:
        """Fetch the conversations, and open the first one when none is open."""
        try:
            await self.controller.refresh_list()
        except NotSignedIn as failure:
            self._on_signed_out(failure)
            return
        except ClientError as failure:
            if self.controller.session is None:
                self.thread_pane.show_empty(failure.sentence)
            return
        self._show_lists()
        conversations = self.controller.conversations
        if self.controller.selected_id is None and conversations:
            self.open_conversation(conversations[0].id)
        elif not conversations:
            self.thread_pane.show_empty("No conversations yet. Press c to start one.")

    def open_conversation(self, id: UUID) -> None:
        """Open a conversation at its first unread thread, else at the newest one."""
        session = self.controller.open(id)
        self.thread_pane.show_empty("Loading …")
        self._show_lists()
        self._load_and_follow(session)

    @work(group="conversation", exclusive=True, exit_on_error=False)
    async def _load_and_follow(self, session: ConversationSession) -> None:
        try:
            self.open_thread(first_thread(await session.load()))
            await session.follow()
        except NotSignedIn as failure:
            self._on_signed_out(failure)
        except ClientError as failure:
            self.thread_pane.show_empty(f"{failure.sentence} F5 tries again.")
            self.status.show_connection(None)

    @work(group="conversation", exclusive=True, exit_on_error=False)
    async def reconnect(self, session: ConversationSession) -> None:
        """Open the stream of a loaded conversation again."""
        try:
            await session.follow()
        except NotSignedIn as failure:
            self._on_signed_out(failure)

    def open_thread(self, root: UUID | None) -> None:
        """Show a thread of the open conversation; without a root, the start of a new thread."""
        session = self.controller.loaded_session
        if session:
            self.thread_pane.show_thread(session, root)
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
            self.focus_composer()

    @on(SideList.Selected, "#threads")
    def _on_thread_selected(self, event: SideList.Selected) -> None:
        self.open_thread(event.id)
        self.focus_composer()

    @on(ThreadPane.ThreadStarted)
    def _on_thread_started(self, event: ThreadPane.ThreadStarted) -> None:
        self.thread_pane.show_new_thread(event.root_id)
        self._show_lists()

    def _on_created(self, conversation_id: UUID) -> None:
        self.open_conversation(conversation_id)
        self.list_conversations()
        self.focus_composer()

    # Changes that the server reported

    def _post_changes(self, changes: Changes) -> None:
        self.post_message(StoreChanged(changes))

    def _post_connection(self, connection: Connecting | Live | Disconnected) -> None:
        self.post_message(ConnectionChanged(connection))

    def on_store_changed(self, message: StoreChanged) -> None:
        """Draw what changed, and measure how long that takes."""
        session = self.controller.loaded_session
        if session is None or session.state is None:
            return
        if session.state.left:
            self._on_removed(session.state.info.title)
            return
        started_at = time.perf_counter()
        changes = message.changes
        self.thread_pane.apply_changes(changes)
        if changes.info or changes.threads or changes.unread:
            self._show_lists()
        self.show_hints()
        session.paint_seconds = time.perf_counter() - started_at

    def on_connection_changed(self, message: ConnectionChanged) -> None:
        """Show the state of the stream's connection."""
        self.status.show_connection(message.connection)

    def _on_removed(self, title: str) -> None:
        """Close a conversation that the user was removed from."""
        self.notify(f"You are no longer in {one_line(title)}.", markup=False)
        self.controller.close()
        self.thread_pane.show_empty("Choose a conversation.")
        self.list_conversations()

    def _on_signed_out(self, failure: ClientError) -> None:
        self.workers.cancel_group(self, "conversation")
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
        """Stop the answer in progress, else leave the reply, the composer or the messages."""
        answering = self.thread_pane.answer_in_progress() is not None
        if answering and not isinstance(self.focused, SideList):
            self.action_stop()
        elif not self.thread_pane.leave_reply_or_composer():
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

    def action_copy_code(self) -> None:
        """Copy a code block of the selected message."""
        self.thread_pane.copy_code()

    def action_new_thread(self) -> None:
        """Start a thread in the open conversation."""
        if self.controller.state:
            self.open_thread(None)
            self.focus_composer()

    def action_next_unread(self) -> None:
        """Open the next unread thread of this conversation, else the next unread conversation."""
        if thread := self.controller.next_unread_thread(self.thread_pane.root):
            self.open_thread(thread)
        elif conversation := self.controller.next_unread_conversation():
            self.open_conversation(conversation)
        else:
            self.notify("Nothing is unread.", markup=False, timeout=2)

    def action_retry(self) -> None:
        """Connect again now, and load what was not loaded."""
        if session := self.controller.loaded_session:
            self.reconnect(session)
            self.thread_pane.resume_loading()
        elif self.controller.selected_id:
            self.open_conversation(self.controller.selected_id)
        else:
            self.list_conversations()

    def action_people(self) -> None:
        """Show the participants of the conversation."""
        self._dialogs.show_people()

    def action_new_conversation(self) -> None:
        """Start a conversation."""
        self._dialogs.create()

    def action_settings(self) -> None:
        """Change the conversation's settings."""
        self._dialogs.edit_settings()

    def action_rename(self) -> None:
        """Rename the conversation."""
        self._dialogs.rename()
