"""Conversations and threads at the left, the talk at the right, and what keeps them current.

What keys do there is the business of `main`.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from rustygpt_shared.models.conversations import Conversation
from rustygpt_shared.models.users import User
from rustygpt_tui.client.feed import Connecting, Disconnected, Live
from rustygpt_tui.client.http import Client
from rustygpt_tui.conversation.account_drafts import AccountDrafts
from rustygpt_tui.conversation.conversation_list import PagedConversationList
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.conversation.typing_notifier import HEARTBEAT_SECONDS
from rustygpt_tui.errors import ClientError, NotSignedIn
from rustygpt_tui.messages import ConnectionChanged, StoreChanged
from rustygpt_tui.render.text import one_line
from rustygpt_tui.screens.thread_pane import ThreadPane
from rustygpt_tui.screens.view_models import conversation_rows, thread_rows
from rustygpt_tui.screens.worker_errors import WorkerErrorMixin
from rustygpt_tui.store.state import Changes, display_name
from rustygpt_tui.widgets.lists import SideList
from rustygpt_tui.widgets.status import StatusLine

LIST_REFRESH_SECONDS = 15


class ConversationScreen(Screen[None], WorkerErrorMixin):
    """One conversation is open at a time, and followed live."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-medium"), (120, "-wide")]

    def __init__(
        self, client: Client, user: User, drafts: AccountDrafts, now: Callable[[], datetime]
    ) -> None:
        super().__init__()
        self._now = now
        self.client = client
        self._user = user
        self._drafts = drafts
        self.conversation: ConversationSession | None = None
        self.selected_id: UUID | None = None
        self.conversation_list = PagedConversationList(client)

    def compose(self) -> ComposeResult:
        """Lists, talk and status line."""
        with Horizontal(id="body"):
            with Vertical(id="side"):
                yield Static(Content.styled("Conversations", "bold"), classes="list-title")
                yield SideList("None yet: c starts one", id="conversations")
                yield Static(Content.styled("Threads", "bold"), classes="list-title")
                yield SideList("None yet", id="threads")
            yield ThreadPane(self.client, self._drafts, id="talk")
        yield StatusLine(id="status")

    def on_mount(self) -> None:
        """Fetch what there is, and look again from time to time."""
        self.add_class("-lists")
        self.thread_pane.show_empty("Loading …")
        self.status.show_person(display_name(self._user))
        self.list_conversations()
        self.set_interval(LIST_REFRESH_SECONDS, self.list_conversations)
        self.send_heartbeat()
        self.set_interval(HEARTBEAT_SECONDS, self.send_heartbeat)
        self.query_one("#conversations").focus()
        self.watch(self.app, "app_focus", self.thread_pane.on_app_focus_changed, init=False)

    @work(group="beat", exclusive=True, exit_on_error=False)
    async def send_heartbeat(self) -> None:
        """Say that one is there; a server that does not hear it shows one as away."""
        with suppress(ClientError):
            await self.client.record_heartbeat()

    @property
    def conversations(self) -> Sequence[Conversation]:
        """Those that are listed."""
        return self.conversation_list.conversations

    @property
    def thread_pane(self) -> ThreadPane:
        """The right side."""
        return self.query_one(ThreadPane)

    @property
    def status(self) -> StatusLine:
        """The bottom line."""
        return self.query_one(StatusLine)

    # Conversations and threads

    @work(group="list", exclusive=True, exit_on_error=False)
    async def list_conversations(self) -> None:
        """Fetch the conversations; the first one is opened when none is."""
        try:
            await self.conversation_list.refresh()
        except NotSignedIn as failure:
            self._on_signed_out(failure)
            return
        except ClientError as failure:
            if self.conversation is None:
                self.thread_pane.show_empty(failure.sentence)
            return
        self._show_lists()
        if self.selected_id is None and self.conversations:
            self.open_conversation(self.conversations[0].id)
        elif not self.conversations:
            self.thread_pane.show_empty("No conversations yet. Press c to start one.")

    def open_conversation(self, id: UUID, root: UUID | None = None) -> None:
        """Open a conversation, at a thread of it or at the one that wants reading."""
        if self.conversation:
            self.conversation.stop()
        self.selected_id = id
        self.conversation = ConversationSession(
            self.client,
            id,
            self._user.id,
            on_changes=self._post_changes,
            on_connection=self._post_connection,
        )
        self.thread_pane.show_empty("Loading …")
        self._show_lists()
        self._load_and_follow(self.conversation, root)

    @work(group="room", exclusive=True, exit_on_error=False)
    async def _load_and_follow(self, conversation: ConversationSession, root: UUID | None) -> None:
        try:
            state = await conversation.load()
            unread = [t.root_id for t in state.threads if state.unread.get(t.root_id)]
            first = unread[0] if unread else state.threads[0].root_id if state.threads else None
            self.open_thread(root or first)
            await conversation.follow()
        except NotSignedIn as failure:
            self._on_signed_out(failure)
        except ClientError as failure:
            self.thread_pane.show_empty(f"{failure.sentence} F5 tries again.")
            self.status.show_connection(None)

    def open_thread(self, root: UUID | None) -> None:
        """Show a thread of the open conversation, or the start of a new one."""
        if self.conversation and self.conversation.state:
            self.thread_pane.show_thread(self.conversation, root)
            self._show_lists()
            self.show_hints()

    @on(SideList.NearEnd, "#conversations")
    @work(group="more-conversations", exclusive=True, exit_on_error=False)
    async def _more_conversations(self) -> None:
        if await self.conversation_list.load_more():
            self._show_lists()

    @on(SideList.NearEnd, "#threads")
    @work(group="more-threads", exclusive=True, exit_on_error=False)
    async def _more_threads(self) -> None:
        if self.conversation and self.conversation.state:
            await self.conversation.load_more_threads()

    @on(SideList.Selected, "#conversations")
    def _on_conversation_selected(self, event: SideList.Selected) -> None:
        if (
            self.conversation is None
            or event.id != self.conversation.id
            or self.conversation.state is None
        ):
            self.open_conversation(event.id)
        if self.has_class("-narrow"):
            self.query_one("#threads").focus()
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

    # What happens

    def _post_changes(self, changes: Changes) -> None:
        self.post_message(StoreChanged(changes))

    def _post_connection(self, connection: Connecting | Live | Disconnected) -> None:
        self.post_message(ConnectionChanged(connection))

    def on_store_changed(self, message: StoreChanged) -> None:
        """Show what is new where it is shown."""
        changes, state = message.changes, self.conversation.state if self.conversation else None
        if state is None:
            return
        if state.left:
            self._on_removed(state.info.title)
            return
        began = time.perf_counter()
        self.thread_pane.apply_changes(changes)
        if changes.info or changes.threads or changes.unread:
            self._show_lists()
        self.show_hints()
        if self.conversation:
            self.conversation.paint_seconds = time.perf_counter() - began

    def show_hints(self) -> None:
        """Tell the keys that matter where one is."""

    def on_connection_changed(self, message: ConnectionChanged) -> None:
        """Tell how the stream stands."""
        self.status.show_connection(message.connection)

    def _on_removed(self, title: str) -> None:
        self.notify(f"You are no longer in {one_line(title)}.", markup=False)
        if self.conversation:
            self.conversation.stop()
        self.conversation, self.selected_id = None, None
        self.thread_pane.show_empty("Choose a conversation.")
        self.list_conversations()

    def _on_signed_out(self, failure: ClientError) -> None:
        self.workers.cancel_group(self, "room")
        self.app.call_later(self.app.run_action, "app.sign_in")
        self.log(failure.sentence)

    def _show_lists(self) -> None:
        state = self.conversation.state if self.conversation else None
        if state:
            self.conversation_list.update_from(state)
        rows = conversation_rows(self.conversations, state)
        self.query_one("#conversations", SideList).show(rows, self.selected_id)
        self.query_one("#threads", SideList).show(
            thread_rows(state, self._now()), self.thread_pane.root
        )

    @work(group="room", exclusive=True, exit_on_error=False)
    async def reconnect(self, conversation: ConversationSession) -> None:
        """Connect the stream of a loaded room once more."""
        try:
            await conversation.follow()
        except NotSignedIn as failure:
            self._on_signed_out(failure)

    def focus_composer(self) -> None:
        """Go to the composer."""
        self.remove_class("-lists")
        self.thread_pane.composer.focus()
